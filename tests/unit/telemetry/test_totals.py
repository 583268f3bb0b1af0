"""Sums of counters that must never go down, whatever dies."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from cluster.telemetry.totals import Totals

FRAMES = 'frames_processed_total{camera_id="gate"}'
NODES, WORKERS, SAMPLES = ("a", "b"), ("1", "2", "3"), (FRAMES, "detection_errors_total")


def test_processes_are_added_up() -> None:
    totals = Totals()

    totals.read("a", 1.0, {(FRAMES, "1"): 5.0, (FRAMES, "2"): 7.0})
    totals.read("b", 1.0, {(FRAMES, "3"): 1.0})

    assert totals.sums() == {FRAMES: 13.0}


@pytest.mark.parametrize("started_s", [1.0, None], ids=["with its start", "without its start"])
def test_what_a_node_does_not_show_any_more_stays(started_s: float | None) -> None:
    totals = Totals()
    totals.read("a", started_s, {(FRAMES, "1"): 5.0, (FRAMES, "2"): 7.0})

    totals.read("a", started_s, {(FRAMES, "2"): 8.0})

    assert totals.sums() == {FRAMES: 13.0}


def test_a_node_that_began_anew_and_has_already_counted_more_is_known_by_its_start() -> None:
    totals = Totals()
    totals.read("a", 1.0, {(FRAMES, "1"): 5.0})

    totals.read("a", 2.0, {(FRAMES, "1"): 7.0})

    assert totals.sums() == {FRAMES: 12.0}


def test_without_a_start_one_counter_that_went_down_tells_it_of_all() -> None:
    bucket, count = 'h_bucket{le="1.0"}', "h_count"
    totals = Totals()
    totals.read("a", None, {(bucket, "1"): 1.0, (count, "1"): 9.0})

    totals.read("a", None, {(bucket, "1"): 2.0, (count, "1"): 3.0})

    assert totals.sums() == {bucket: 3.0, count: 12.0}


def test_a_node_that_is_gone_keeps_what_it_counted() -> None:
    totals = Totals()
    totals.read("a", 1.0, {(FRAMES, "1"): 5.0})

    totals.keep_only(frozenset({"b"}))

    assert totals.sums() == {FRAMES: 5.0}


@pytest.mark.parametrize(
    ("started_s", "shown", "total"),
    [(1.0, 6.0, 6.0), (1.0, 4.0, 5.0), (2.0, 6.0, 11.0), (None, 6.0, 6.0), (None, 4.0, 9.0)],
    ids=["it went on", "it shows less", "it began anew", "unknown, more", "unknown, less"],
)
def test_a_hub_that_is_started_anew_goes_on(started_s: float | None, shown: float, total: float) -> None:
    before = Totals()
    before.read("a", 1.0, {(FRAMES, "1"): 5.0})

    totals = Totals(before.dump())
    assert totals.sums() == {FRAMES: 5.0}
    totals.read("a", started_s, {(FRAMES, "9"): shown})

    assert totals.sums() == {FRAMES: total}


def test_a_node_that_went_while_the_hub_was_away_keeps_what_it_counted() -> None:
    before = Totals()
    before.read("a", 1.0, {(FRAMES, "1"): 5.0})

    totals = Totals(before.dump())
    totals.keep_only(frozenset())

    assert totals.sums() == {FRAMES: 5.0}


@pytest.mark.parametrize("saved", [b"nonsense", Totals().dump()[:-3]])
def test_what_was_not_saved_whole_is_refused(saved: bytes) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        Totals(saved)


class AnySequence(RuleBasedStateMachine):
    """Processes count, vanish and die, nodes begin anew, fall silent and go, the hub is started anew: the sum is what
    the hub has seen of every life of every node, and never goes down."""

    def __init__(self) -> None:
        super().__init__()
        self.totals, self.sums = Totals(), dict.fromkeys(SAMPLES, 0.0)
        self.clock, self.unread = 0.0, set[str]()
        self.started = dict.fromkeys(NODES, 0.0)
        self.lives = dict.fromkeys(WORKERS, 0)
        self.shown: dict[str, dict[tuple[str, str], float]] = {node: {} for node in NODES}
        self.seen: dict[tuple[str, float, tuple[str, str]], float] = {}

    @rule(
        node=st.sampled_from(NODES),
        writer=st.tuples(st.sampled_from(SAMPLES), st.sampled_from(WORKERS)),
        more=st.integers(1, 9),
    )
    def count(self, node: str, writer: tuple[str, str], more: int) -> None:
        lives = (writer[0], f"{writer[1]}/{self.lives[writer[1]]}")
        self.shown[node][lives] = self.shown[node].get(lives, 0.0) + more

    @rule(worker=st.sampled_from(WORKERS))
    def die(self, worker: str) -> None:
        """Its node goes on to show what it counted; the next one is another."""
        self.lives[worker] += 1

    @precondition(lambda self: not self.unread)
    @rule(worker=st.sampled_from(WORKERS))
    def vanish(self, worker: str) -> None:
        """Ray's nodes never let a counter vanish. Between the death of a hub and the first look of the next one, this
        would be counted too little: what is remembered is sums."""
        self.die(worker)
        for node, shown in self.shown.items():
            self.shown[node] = {one: value for one, value in shown.items() if one[1].split("/")[0] != worker}

    @rule(node=st.sampled_from(NODES))
    def begin_anew(self, node: str) -> None:
        self.clock += 1.0
        self.started[node], self.shown[node] = self.clock, {}

    @rule(nodes=st.sets(st.sampled_from(NODES)))
    def read(self, nodes: set[str]) -> None:
        for node in nodes:
            self.totals.read(node, self.started[node], self.shown[node])
            for writer, value in self.shown[node].items():
                self.seen[node, self.started[node], writer] = value
        self.unread -= nodes

    @rule()
    def start_the_hub_anew(self) -> None:
        self.totals, self.unread = Totals(self.totals.dump()), set(NODES)

    @rule(node=st.sampled_from(NODES))
    def lose_a_node(self, node: str) -> None:
        self.totals.keep_only(frozenset(NODES) - {node})
        self.begin_anew(node)  # another node, which never shows what this one did

    @invariant()
    def the_sum_is_what_was_seen(self) -> None:
        sums = self.totals.sums()
        for sample in SAMPLES:
            expected = sum(value for (_, _, writer), value in self.seen.items() if writer[0] == sample)
            assert sums.get(sample, 0.0) == expected >= self.sums[sample]
            self.sums[sample] = expected


TestAnySequence = AnySequence.TestCase
TestAnySequence.settings = settings(max_examples=50, stateful_step_count=25, deadline=None)
