"""Reading what a Ray node exports."""

from collections.abc import Callable

import pytest

from cluster.telemetry.export import Export, ExportReader
from cluster.telemetry.instruments import Declared, Kind

FRAMES = Declared("frames_total", Kind.COUNTER, "Frames.", ("camera_id",))
SECONDS = Declared("seconds", Kind.HISTOGRAM, "Seconds.", ("camera_id",), bounds=(0.5, 1.0))
AGE = Declared("age_seconds", Kind.GAUGE, "Age.", ("camera_id",))
DECLARED = {metric.name: metric for metric in (FRAMES, SECONDS, AGE)}


@pytest.fixture
def reader() -> ExportReader:
    return ExportReader(DECLARED)


def counts(export: Export) -> dict[tuple[str, str], float]:
    return {(series.sample, series.writer): value for series, value in export.counts.items()}


def test_our_own_metrics_lose_their_prefix_and_the_labels_of_ray(
    reader: ExportReader, exported: Callable[..., str]
) -> None:
    export = reader.read(exported({('frames_total{camera_id="gate"}', "w1"): 12.0}, started_s=1764000000.25))

    assert export.started_s == 1764000000.25
    assert [series.sample for series in export.counts] == ['frames_total{camera_id="gate"}']
    assert list(export.counts.values()) == [12.0]


def test_processes_are_told_apart(reader: ExportReader, exported: Callable[..., str]) -> None:
    gate = 'frames_total{camera_id="gate"}'

    export = reader.read(exported({(gate, "w1"): 12.0, (gate, "w2"): 3.0}))

    assert [sample for sample, _ in counts(export)] == [gate, gate]
    assert sorted(counts(export).values()) == [3.0, 12.0]


def test_buckets_keep_their_bound(reader: ExportReader, exported: Callable[..., str]) -> None:
    written = {
        ('seconds_bucket{camera_id="gate",le="0.5"}', "w1"): 1.0,
        ('seconds_bucket{camera_id="gate",le="+Inf"}', "w1"): 2.0,
        ('seconds_count{camera_id="gate"}', "w1"): 2.0,
        ('seconds_sum{camera_id="gate"}', "w1"): 1.75,
    }

    export = reader.read(exported(written, kind="histogram"))

    assert {sample: value for (sample, _), value in counts(export).items()} == {
        sample: value for (sample, _), value in written.items()
    }


def test_gauges_are_kept_apart_from_counters(reader: ExportReader, exported: Callable[..., str]) -> None:
    export = reader.read(exported({('age_seconds{camera_id="gate"}', "w1"): 0.4}, kind="gauge"))

    assert not export.counts
    assert [series.sample for series in export.levels] == ['age_seconds{camera_id="gate"}']


def test_a_label_that_came_with_another_process_makes_no_other_series(reader: ExportReader) -> None:
    head = "# HELP ray_frames_total Frames.\n# TYPE ray_frames_total counter\n"
    before = reader.read(head + 'ray_frames_total{WorkerId="w1",camera_id="gate"} 5.0\n')

    after = reader.read(head + 'ray_frames_total{WorkerId="w1",camera_id="gate",replica="",otel_scope_name="r"} 6.0\n')

    assert counts(before).keys() == counts(after).keys()


@pytest.mark.parametrize("value", [r"a \"quoted\" gate", "a{b}c", "a,b=c", r"back\\slash", "# HELP ray_frames_total"])
def test_odd_label_values_come_through(reader: ExportReader, exported: Callable[..., str], value: str) -> None:
    sample = f'frames_total{{camera_id="{value}"}}'

    export = reader.read(exported({(sample, "w1"): 1.0}))

    assert [series.sample for series in export.counts] == [sample]


@pytest.mark.parametrize("text", ["", "\n", "# HELP ray_frames_total Frames.\n", "no metrics at all"])
def test_an_empty_answer_has_no_series(reader: ExportReader, text: str) -> None:
    export = reader.read(text)

    assert not export.counts
    assert not export.levels


def test_an_answer_that_was_cut_off_is_refused(reader: ExportReader) -> None:
    with pytest.raises(ValueError, match="could not convert"):
        reader.read('# HELP ray_frames_total Frames.\n# TYPE ray_frames_total counter\nray_frames_total{camera_id="ga')
