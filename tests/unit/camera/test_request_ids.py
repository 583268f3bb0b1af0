"""The frame's id goes with the call to the Detector, by the way that Serve has for the ids of requests."""

import ray.serve.context
from ray.serve._private.common import DeploymentHandleSource
from ray.serve._private.default_impl import get_request_metadata
from ray.serve._private.handle_options import DynamicHandleOptions, InitHandleOptions

from cluster.safety.frames import camera_of, correlation_id
from cluster.telemetry.request_ids import calling_as, request_id


def sent_with() -> str:
    """The request id of a call that is made now, as Serve's handle makes it."""
    options = InitHandleOptions(_source=DeploymentHandleSource.UNKNOWN)
    return str(get_request_metadata(options, DynamicHandleOptions(method_name="detect")).request_id)


def test_a_call_has_the_id_that_it_is_made_under_and_the_next_one_has_not() -> None:
    with calling_as("gate-1-3-7"):
        assert sent_with() == "gate-1-3-7"
        assert request_id() == "gate-1-3-7"

    assert sent_with() != "gate-1-3-7"
    assert request_id() != "gate-1-3-7"


def test_without_an_id_serve_makes_one() -> None:
    with calling_as(""):
        assert len(sent_with()) == 36


def test_another_release_of_ray_costs_the_id_and_nothing_else(monkeypatch) -> None:
    monkeypatch.delattr(ray.serve.context, "_serve_request_context")
    with calling_as("gate-1-3-7"):
        assert request_id() == ""


def test_the_camera_stands_in_the_id_of_its_frame() -> None:
    assert camera_of(correlation_id("gate-1-b", 3, 7)) == "gate-1-b"
    assert camera_of("7b0a3c") == camera_of("") == ""
