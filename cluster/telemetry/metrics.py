"""Every metric that SAFE-YOLO exports, declared once; Ray's export shows them as `ray_<name>`.

Labels come from closed sets (camera ids, error codes, severities), never from event ids or addresses.
Importing this module starts nothing: Ray's metrics are recorded locally until a Ray worker exports them.
"""

from ray.util.metrics import Counter, Gauge, Histogram

_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0]
_CAMERA = ("camera_id",)

frames_captured = Counter("frames_captured_total", "Frames that a camera gave.", tag_keys=_CAMERA)
frames_processed = Counter("frames_processed_total", "Frames that were looked at.", tag_keys=_CAMERA)
frames_dropped = Counter("frames_dropped_total", "Frames not looked at.", tag_keys=("camera_id", "reason"))
frame_processing = Histogram(
    "frame_processing_seconds", "Capture of a frame to its rules evaluated.", boundaries=_SECONDS, tag_keys=_CAMERA
)
frames_gated = Counter("frames_gated_total", "Frames not looked at because nothing moved.", tag_keys=_CAMERA)
detect_fps_limit = Gauge("camera_detect_fps_limit", "Frames a second that overload leaves.", tag_keys=_CAMERA)
breaker_open = Gauge("camera_breaker_open", "1 while no frames go to the detector.", tag_keys=_CAMERA)
camera_reconnects = Counter("camera_reconnects_total", "Attempts to open again.", tag_keys=("camera_id", "error"))
camera_status_changes = Counter("camera_status_changes_total", "Changes of status.", tag_keys=("camera_id", "status"))
camera_inference_age = Gauge("camera_inference_age_seconds", "Since the last answer of the detector.", tag_keys=_CAMERA)
readers_abandoned = Counter(
    "camera_readers_abandoned_total", "Readers that hung and were left behind.", tag_keys=_CAMERA
)
outbox_events = Gauge("outbox_events", "Events not yet recorded.", tag_keys=_CAMERA)
outbox_dropped = Counter(
    "outbox_dropped_total", "Events given up for want of room.", tag_keys=("camera_id", "severity")
)
detection_inference = Histogram("detection_inference_seconds", "One frame in the model.", boundaries=_SECONDS)
detections_per_frame = Histogram(
    "detections_per_frame", "Objects found.", boundaries=[0.5, 1.5, 2.5, 4.5, 8.5, 16.5, 32.5]
)
detection_errors = Counter("detection_errors_total", "Frames that the detector failed on.")
canary_failures = Counter("detector_canary_failures_total", "Looks at the stored picture that found something else.")
detector_fallback = Gauge("detector_fallback", "1 while a replica serves the last good model instead.")
gpu_out_of_memory = Counter("detector_out_of_memory_total", "Batches that did not fit into the GPU.")
camera_moves = Counter("camera_moves_total", "Actors replaced or moved.", tag_keys=("camera_id", "reason"))
cameras = Gauge("cameras", "Cameras by what they are worth.", tag_keys=("status",))
cameras_without_room = Gauge("cameras_without_room", "Cameras for which the cluster has no room.")
safety_events = Counter("safety_events_total", "Episodes recorded.", tag_keys=("type", "severity"))
database_failures = Counter("database_write_failures_total", "Writes that the database did not take.")
snapshot_failures = Counter("snapshot_write_failures_total", "Pictures that the store did not take.")
websocket_connections = Gauge("websocket_connections", "Open sockets.")
ws_frame_send = Histogram("ws_frame_send_seconds", "Frame sent to acknowledged.", boundaries=_SECONDS)
