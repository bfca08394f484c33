"""Hidden tests of store.py: two processes and one folder."""

from grader.testkit import points


@points(2, suite="persistence", hint="one-store-a-folder")
def test_a_folder_belongs_to_one_process_at_a_time(kv, kv_beside, data_dir):
    """A second process gets `StoreLockedError`, until the first one is killed; and the reverse."""
    store = kv.Store.open(data_dir)
    store.set("a", b"1")
    kv.note("a second process opens the folder")
    with kv_beside.raises("StoreLockedError"):
        kv_beside.Store.open(data_dir)
    store.set("b", b"2")
    kv.kill()
    kv.note("the second process opens the folder again")
    assert kv_beside.Store.open(data_dir).dump() == ({"a": b"1", "b": b"2"}, {})
    with kv.raises("StoreLockedError"):
        kv.Store.open(data_dir)
