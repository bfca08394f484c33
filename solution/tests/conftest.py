"""A clock to move and a folder to fill, for the tests of the store."""

import pytest
from store_kit import FakeClock


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "data"
