"""The page that Prometheus reads."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from cluster.telemetry.instruments import Declared, Kind
from cluster.telemetry.page import PageWriter

ERRORS = Declared("errors_total", Kind.COUNTER, "Errors.")
FRAMES = Declared("frames_total", Kind.COUNTER, "Frames\nof a \\ camera.", ("camera_id",))
SECONDS = Declared("seconds", Kind.HISTOGRAM, "Seconds.", ("camera_id",), bounds=(0.5, 10.0))
SIZE = Declared("size", Kind.HISTOGRAM, "Sizes.", bounds=(1.5,))
DECLARED = {metric.name: metric for metric in (ERRORS, FRAMES, SECONDS, SIZE)}


@pytest.fixture
def writer() -> PageWriter:
    return PageWriter(DECLARED)


def test_every_metric_has_its_words_and_its_kind(writer: PageWriter) -> None:
    families = {family.name: family for family in text_string_to_metric_families(writer.write({}).decode())}

    assert {name: family.type for name, family in families.items()} == {
        "errors": "counter",
        "frames": "counter",
        "seconds": "histogram",
        "size": "histogram",
    }
    assert families["frames"].documentation == FRAMES.help


def test_what_nobody_has_counted_yet_is_nothing_where_there_are_no_labels(writer: PageWriter) -> None:
    page = writer.write({}).decode()

    assert "\nerrors_total 0\n" in page
    assert 'size_bucket{le="1.5"} 0\nsize_bucket{le="+Inf"} 0\nsize_sum 0\nsize_count 0\n' in page


def test_series_stand_in_the_order_that_readers_expect(writer: PageWriter) -> None:
    samples = {
        'seconds_count{camera_id="b"}': 3.0,
        'seconds_bucket{camera_id="b",le="+Inf"}': 3.0,
        'seconds_sum{camera_id="b"}': 7.25,
        'seconds_bucket{camera_id="b",le="10.0"}': 2.0,
        'seconds_bucket{camera_id="b",le="0.5"}': 1.0,
        'seconds_count{camera_id="a"}': 0.0,
    }

    lines = [line for line in writer.write(samples).decode().splitlines() if line.startswith("seconds")]

    assert lines == [
        'seconds_count{camera_id="a"} 0',
        'seconds_bucket{camera_id="b",le="0.5"} 1',
        'seconds_bucket{camera_id="b",le="10.0"} 2',
        'seconds_bucket{camera_id="b",le="+Inf"} 3',
        'seconds_sum{camera_id="b"} 7.25',
        'seconds_count{camera_id="b"} 3',
    ]


def test_samples_of_another_release_are_left_out(writer: PageWriter) -> None:
    assert "former" not in writer.write({"former_total": 1.0, 'former_seconds_bucket{le="1.0"}': 2.0}).decode()
