"""Every bound of the ingress on one page; tests make them smaller."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one replica. Times in seconds, sizes in bytes."""

    places: int = 400
    """Sockets and MJPEG streams together. serve_config.yaml gives the replica 1000 requests: the rest is for probes."""
    places_of_one: int = 100
    """Of them for one user or token: several walls of 16, but not all of the replica."""
    session_age_s: float = 3600.0
    """A socket is closed with 1012 "renew" at this age, give or take a tenth: who was signed out meanwhile is out."""
    prove_every_s: float = 10.0
    """How often an open socket is looked at whether who opened it may still watch; the answer may be 5 s old."""
    superseded_within_s: float = 3.0
    """After a newer release has begun, sockets end at some moment within so long."""
    generation_every_s: float = 1.0
    """Pause between two looks for a newer release."""
    frames_on_their_way: int = 2
    acknowledge_within_s: float = 30.0
    """A viewer that leaves a frame unacknowledged for so long is closed."""
    repeat_status_s: float = 2.0
    """How often a blind camera says so again."""
    heartbeat_s: float = 15.0
    follow_every_s: float = 0.3
    """Pause between two looks at the change log."""
    changes_a_page: int = 100
    changes_remembered: int = 500
    """Newest changes that are handed to viewers without asking the database again."""
    changes_on_their_way: int = 1000
    """A viewer of events that acknowledges nothing is closed after so many, and resumes from its cursor."""
    changes_grace_s: float = 2.0
    """... unless it does so within this time."""
    pull_timeout_s: float = 2.0
    """One long poll of a camera actor."""
    puller_linger_s: float = 2.0
    """A puller without viewers waits so long for the next one."""
    blind_pause_s: float = 1.0
    """Pause between two questions to a camera that is blind."""
    nothing_pause_s: float = 0.25
    """Least time between two questions to a camera that answers "nothing new" at once."""
    silent_after_s: float = 6.0
    """A camera actor that answered nothing for so long is taken to be gone, and its last picture with it."""
    first_picture_s: float = 3.0
    """How long `frame.jpg` waits for a picture."""
    mjpeg_fps: float = 5.0
    mjpeg_places: int = 40
    """Of all places: with `mjpeg_bytes` each, what viewers who stand still can hold is 640 MB."""
    mjpeg_age_s: float = 300.0
    """MJPEG has no acknowledgement and Serve's send queue no end: a stream ends after so long ..."""
    mjpeg_bytes: int = 16 * 1024 * 1024
    """... or after so many bytes, so that a viewer who stands still holds no more than this."""
    client_message_bytes: int = 1024
    client_lines_a_minute: int = 60
    """What one viewer's pages may have written into our log ..."""
    all_client_lines_a_minute: int = 600
    """... and all of this replica's viewers together."""
    request_body_bytes: int = 64 * 1024
    body_within_s: float = 10.0
    json_body_bytes: int = 8 * 1024
    """What a route reads at most, however it is announced."""
    bulk_body_bytes: int = 32 * 1024
    """... and one that takes 200 ids."""
    bulk_within_s: float = 20.0
    """All 200 of them."""
    exports: int = 2
    """Files of events that are written at the same time."""
    export_events: int = 100_000
    """In one file; with 700 bytes each this is what a reader that stands still can cost."""
    export_page: int = 500
    model_file_s: float = 20.0
    """Reading weights of 140 MB from a slow disk, and their sha256."""
    message_late_s: float = 30.0
    """A message that is due for so long is one that nobody sends."""
    part_deadline_s: float = 2.0
    health_deadline_s: float = 3.0
    health_cache_s: float = 1.0
    connecting_grace_s: float = 30.0
    """A camera that connects counts as watched for so long after it was first seen to."""
    critical_loss_s: float = 300.0
    """An outbox that gave up a CRITICAL event is told for so long."""
    call_deadline_s: float = 5.0
    """Any question to the database or the snapshot store."""
    close_within_s: float = 2.0
