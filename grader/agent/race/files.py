"""The folder of one schedule: empty when it begins, and looked at while it runs."""

from __future__ import annotations

import os


class Files:
    """What lies in a folder, for a program to look at."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def empty(self) -> None:
        """Make it if it is not there, and remove whatever it holds."""
        for folder, folders, files in os.walk(self._folder, topdown=False):
            for name in files:
                os.unlink(os.path.join(folder, name))
            for name in folders:
                os.rmdir(os.path.join(folder, name))
        os.makedirs(self._folder, exist_ok=True)

    def path(self, name: str) -> str:
        """The path of a file in the folder."""
        return os.path.join(self._folder, name)

    def write(self, name: str, data: bytes) -> None:
        """Lay a file into the folder."""
        with open(self.path(name), "wb") as file:
            file.write(data)

    def read(self, name: str) -> bytes:
        """The content of a file."""
        with open(self.path(name), "rb") as file:
            return file.read()

    def names(self) -> list[str]:
        """The names of all files, sorted."""
        return sorted(os.listdir(self._folder))
