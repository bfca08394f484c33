"""The folder of one schedule: empty when it begins, and looked at while it runs."""

from __future__ import annotations

import os
import shutil


class Files:
    """What lies in a folder, for a program to look at."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def empty(self) -> None:
        """Make it if it is not there, and remove whatever it holds."""
        os.makedirs(self._folder, exist_ok=True)
        for entry in os.scandir(self._folder):
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            else:
                os.unlink(entry.path)

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
