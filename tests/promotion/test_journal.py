"""Replay and chain of the journal, without a registry."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from gatekit.promotion.journal import Entry, Journal
from gatekit.registry.memory import MemoryRegistry


def chained(*entries):
    """The entries numbered, each naming the one before it."""
    made = []
    for number, entry in enumerate(entries, start=1):
        head = made[-1] if made else None
        made.append(
            replace(
                entry,
                number=number,
                previous=head.sha256 if head else "",
                previous_number=head.number if head else 0,
            )
        )
    return Journal(tuple(made))


def intent(version, expects=0, kind="promote", target="staging", of=0):
    return Entry(kind=kind, target=target, version=version, expects=expects, of=of, by="ana")


def done(of):
    return Entry(kind="done", target="staging", of=of)


def aborted(of):
    return Entry(kind="aborted", target="staging", of=of)


def test_an_entry_survives_the_registry():
    entry = Entry(
        kind="override", target="staging", version="6", digest="ab", expects=4, by="ana", at="t",
        reason="why, really?", reports=("r1", "r,2"), overridden=("accuracy",), expires="e",
        policy="cd", of=0, previous="ef", previous_number=4,
    )  # fmt: skip
    registry = MemoryRegistry()
    number = registry.append("m.journal", entry.to_fields())
    assert Journal.read(registry, "m").entries == (replace(entry, number=number),)


def test_an_empty_journal():
    journal = Journal.read(MemoryRegistry(), "m")
    assert (journal.head, journal.in_effect("staging"), journal.history()) == (None, None, ())


def test_of_two_that_expect_the_same_the_first_wins():
    journal = chained(intent("1"), done(1), intent("2", 1), intent("3", 1), done(3))
    assert journal.in_effect("staging").version == "2"
    lost = journal.placed(4)
    assert (lost.standing, lost.winner) == ("lost", 3)
    assert [e.version for e in journal.previous_holders("staging")] == ["1"]


def test_a_lost_intent_cannot_be_done():
    journal = chained(intent("1"), done(1), intent("2", 1), intent("3", 1), done(4))
    assert not journal.placed(4).done
    assert not journal.is_done(journal.in_effect("staging"))


def test_what_was_given_up_gives_way_to_what_was_before():
    journal = chained(intent("1"), done(1), intent("2", 1), aborted(3))
    assert journal.in_effect("staging").version == "1"
    assert journal.placed(3).standing == "given up"
    assert journal.previous_holders("staging") == ()


def test_of_done_and_aborted_the_first_counts():
    assert chained(intent("1"), done(1), aborted(1)).in_effect("staging").version == "1"
    assert chained(intent("1"), aborted(1), done(1)).in_effect("staging") is None


def test_targets_do_not_mix():
    journal = chained(intent("1"), intent("2", 0, target="production"), done(1))
    assert journal.in_effect("staging").version == "1"
    assert journal.in_effect("production").version == "2"
    assert [p.entry.number for p in journal.history("production")] == [2]


def test_a_sound_chain_has_no_problems_even_with_two_writers_on_one_head():
    first = replace(intent("1"), number=1)
    second = replace(intent("2", 1), number=2, previous=first.sha256, previous_number=1)
    third = replace(intent("3", 1), number=3, previous=first.sha256, previous_number=1)
    assert Journal((first, second, third)).check_chain() == []


def test_gaps_in_the_numbers_are_no_problem():
    first = replace(intent("1"), number=1)
    second = replace(done(1), number=5, previous=first.sha256, previous_number=1)
    assert Journal((first, second)).check_chain() == []


def test_a_changed_entry_is_found():
    sound = chained(intent("1"), done(1), intent("2", 1), done(3))
    for number in (1, 2, 3):
        changed = tuple(
            replace(e, reason="nothing to see") if e.number == number else e for e in sound.entries
        )
        assert Journal(changed).check_chain() == [
            f"#{number} is not what #{number + 1} saw: it was changed"
        ]


def test_a_removed_entry_is_found():
    sound = chained(intent("1"), done(1), intent("2", 1), done(3))
    for number in (1, 2, 3):
        left = tuple(e for e in sound.entries if e.number != number)
        assert any(f"#{number}, which" in words for words in Journal(left).check_chain())


def test_an_entry_that_names_a_later_one_is_found():
    entry = replace(intent("1"), number=1, previous="ab", previous_number=2)
    assert Journal((entry,)).check_chain() == ["#1 names #2, which came no earlier"]


def test_what_is_no_entry_is_shown_and_moves_nothing():
    registry = MemoryRegistry()
    registry.append("m.journal", {"kind": "coup", "target": "staging", "version": "9"})
    registry.append("m.journal", {"kind": "promote", "expects": "zero"})
    registry.append("m.journal", {})
    journal = Journal.read(registry, "m")
    assert journal.in_effect("staging") is None
    assert len(journal.check_chain()) == 3


entry_kinds = st.sampled_from(["promote", "override", "rollback", "done", "aborted"])
drafts = st.lists(st.tuples(entry_kinds, st.integers(0, 12), st.sampled_from("st")), max_size=14)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(drafts)
def test_replay_of_any_entries_keeps_its_rules(steps):
    journal = chained(
        *(
            done(link) if kind == "done" else aborted(link) if kind == "aborted"
            else intent(str(n), link, kind, target)
            for n, (kind, link, target) in enumerate(steps, start=1)
        )
    )  # fmt: skip
    placed = journal.history()
    for target in "st":
        current = [p for p in placed if p.entry.target == target and p.standing == "in effect"]
        in_effect = journal.in_effect(target)
        assert [p.entry for p in current] == ([] if in_effect is None else [in_effect])
        line = [e for e in reversed(journal.effective(target))]
        # What is effective is one line: each builds on the one before it, the first on nothing.
        assert [e.expects for e in line] == [0, *(e.number for e in line)][: len(line)]
    for p in placed:
        assert not (p.done and p.standing not in ("in effect", "superseded"))
        assert p.winner == 0 or p.standing == "lost"


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 1), st.booleans()), max_size=30))
def test_of_writers_that_read_at_any_time_one_is_effective_per_state(steps):
    """Each step, one of two writers either reads the journal or appends on what it read last."""
    registry, seen = MemoryRegistry(), [Journal(), Journal()]
    for who, reads in steps:
        if reads:
            seen[who] = Journal.read(registry, "m")
            continue
        current, head = seen[who].in_effect("staging"), seen[who].head
        entry = Entry(
            kind="promote", target="staging", version=str(who), by=str(who),
            expects=current.number if current else 0,
            previous=head.sha256 if head else "", previous_number=head.number if head else 0,
        )  # fmt: skip
        number = registry.append("m.journal", entry.to_fields())
        after = Journal.read(registry, "m")
        fresh = current == Journal(after.entries[:-1]).in_effect("staging")
        assert after.is_effective(after.placed(number).entry) == fresh
    journal = Journal.read(registry, "m")
    assert journal.check_chain() == []
    expected = [p.entry.expects for p in journal.history() if p.standing != "lost"]
    assert len(expected) == len(set(expected))  # nobody was replaced twice
