"""Hidden tests of memory.py: the patterns that keys takes, as Redis reads them."""

from grader.testkit import points


def _matches(kv, pattern, *keys):
    store = kv.MemoryStore()
    for key in keys:
        store.set(key, b"")
    return sorted(store.keys(pattern))


@points(1, suite="correctness", hint="glob")
def test_a_star_is_any_text_anywhere(kv):
    """`*` stands for any text, also none, and may come more than once."""
    keys = ("ac", "abc", "abbc", "xac", "acx")
    assert _matches(kv, "a*c", *keys) == ["abbc", "abc", "ac"]
    assert _matches(kv, "*b*", *keys) == ["abbc", "abc"]
    assert _matches(kv, "a**", *keys) == ["abbc", "abc", "ac", "acx"]


@points(1, suite="correctness", hint="glob")
def test_a_question_mark_is_one_character(kv):
    """`?` stands for exactly one character, whatever it is."""
    keys = ("hat", "hut", "h?t", "hüt", "ht", "hoot")
    assert _matches(kv, "h?t", *keys) == ["h?t", "hat", "hut", "hüt"]


@points(1, suite="correctness", hint="glob")
def test_a_class_is_one_of_its_characters(kv):
    """`[abc]` stands for one of these characters, `[a-c]` for one of the range, ends included."""
    keys = ("ka", "kb", "kc", "kd", "k-", "k", "kab")
    assert _matches(kv, "k[ac]", *keys) == ["ka", "kc"]
    assert _matches(kv, "k[a-c]", *keys) == ["ka", "kb", "kc"]
    assert _matches(kv, "k[b-da]", *keys) == ["ka", "kb", "kc", "kd"]


@points(1, suite="correctness", hint="glob")
def test_a_caret_negates_a_class(kv):
    """`[^a]` stands for one character that is not in the class; only `^` negates, not `!`."""
    keys = ("ka", "kb", "k!", "k^", "k")
    assert _matches(kv, "k[^ab]", *keys) == ["k!", "k^"]
    assert _matches(kv, "k[!a]", *keys) == ["k!", "ka"]


@points(1, suite="correctness", hint="glob")
def test_a_backslash_takes_the_next_character_as_it_is(kv):
    r"""`\*` stands for a star and `\?` for a question mark."""
    keys = ("a*b", "axb", "a?b", "a[b]", "a\\b")
    assert _matches(kv, r"a\*b", *keys) == ["a*b"]
    assert _matches(kv, r"a\?b", *keys) == ["a?b"]
    assert _matches(kv, r"a\[b]", *keys) == ["a[b]"]
    assert _matches(kv, r"a\\b", *keys) == ["a\\b"]


@points(1, suite="correctness", hint="glob")
def test_other_characters_stand_for_themselves(kv):
    """A dot, a plus and all that is special elsewhere stand for themselves."""
    for char in ".+$|(){}":
        assert _matches(kv, f"a{char}c", "ac", "aac", "abc", f"a{char}c") == [f"a{char}c"]


@points(1, suite="correctness", hint="glob")
def test_a_pattern_matches_across_lines(kv):
    """A newline in a key is a character like any other."""
    keys = ("a\nb", "ab", "a\n", "a")
    assert _matches(kv, "a*b", *keys) == ["a\nb", "ab"]
    assert _matches(kv, "a?", *keys) == ["a\n", "ab"]
    assert _matches(kv, "a", *keys) == ["a"]


@points(1, suite="correctness", hint="glob")
def test_a_pattern_matches_the_whole_key(kv):
    """A pattern that fits only a part of a key does not match; case counts."""
    keys = ("car", "cart", "scar", "Car", "ca")
    assert _matches(kv, "car", *keys) == ["car"]
    assert _matches(kv, "[c]ar", *keys) == ["car"]
