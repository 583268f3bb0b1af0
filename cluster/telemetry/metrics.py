"""Every metric of SAFE-YOLO, declared once: in Ray's export as `ray_<name>`, in `GET /metrics` as `<name>`.

Labels come from closed sets (camera ids, error codes, severities), never from event ids or addresses.
Importing this module starts nothing: Ray's metrics are recorded locally until a Ray worker exports them.
"""

from cluster.telemetry.instruments import Merge, counter, gauge, histogram, steady_gauge

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_LATENCY = (0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0, 300.0)
_LAST, _SUM = Merge.LAST, Merge.SUM

# The camera
frames_captured = counter("frames_captured_total", "Frames that a camera gave.", "camera_id")
frames_processed = counter("frames_processed_total", "Frames that were looked at.", "camera_id")
frames_dropped = counter(
    "frames_dropped_total",
    "Frames that should have been looked at and were not (late, breaker, detector, error).",
    "camera_id",
    "reason",
)
frames_gated = counter("frames_gated_total", "Frames not looked at because nothing moved.", "camera_id")
frame_processing = histogram(
    "frame_processing_seconds", "Capture of a frame to its rules evaluated.", "camera_id", bounds=_SECONDS
)
detect_fps_limit = gauge(
    "camera_detect_fps_limit", "Frames a second to be looked at that overload leaves.", "camera_id", merge=_LAST
)
camera_target_fps = gauge(
    "camera_target_fps",
    "Frames a second that should be looked at (`detect_fps`); 0 while detection is switched off.",
    "camera_id",
    merge=_LAST,
)
breaker_open = gauge("camera_breaker_open", "1 while no frames go to the detector.", "camera_id", merge=_LAST)
camera_reconnects = counter(
    "camera_reconnects_total", "Attempts to open the camera again, by class of error.", "camera_id", "error"
)
camera_status_changes = counter("camera_status_changes_total", "Changes of status.", "camera_id", "status")
camera_inference_age = gauge(
    "camera_inference_age_seconds", "Since the last frame of the camera that was looked at.", "camera_id", merge=_LAST
)
readers_abandoned = counter("camera_readers_abandoned_total", "Readers that hung and were left behind.", "camera_id")
outbox_events = gauge("outbox_events", "Events accepted and not yet recorded.", "camera_id", merge=_SUM)
outbox_oldest = gauge(
    "outbox_oldest_seconds", "Since the oldest event that is not yet recorded was accepted; 0: none.", "camera_id"
)
outbox_dropped = counter("outbox_dropped_total", "Events given up for want of room.", "camera_id", "severity")
event_record = histogram(
    "event_record_seconds",
    "Capture of the frame until its event is in the outbox (stage outbox), and in the database (stage row).",
    "stage",
    bounds=_LATENCY,
)

# The detector
detection_inference = histogram("detection_inference_seconds", "One frame in the model.", bounds=_SECONDS)
detections_per_frame = histogram(
    "detections_per_frame", "Objects found in a frame.", bounds=(0.5, 1.5, 2.5, 4.5, 8.5, 16.5, 32.5)
)
detection_errors = counter("detection_errors_total", "Frames that the detector failed on.")
detector_batch_size = histogram(
    "detector_batch_size", "Frames that went through the model together.", bounds=(1.5, 2.5, 4.5, 8.5, 16.5, 32.5)
)
detector_waiting = steady_gauge("detector_frames_waiting", "Frames that wait in the detector's replicas.", merge=_SUM)
detector_model_info = steady_gauge(
    "detector_model_info", "1 for each model in service, by the first digits of its sha256.", "model", "digest"
)
canary_failures = counter("detector_canary_failures_total", "Looks at the stored picture that found something else.")
detector_fallback = steady_gauge("detector_fallback", "1 while a replica serves the last good model instead.")
gpu_out_of_memory = counter("detector_out_of_memory_total", "Batches that did not fit into the GPU.")

# The supervisor
camera_status = steady_gauge(
    "camera_status", "1 for the status that the camera has, 0 for the others.", "camera_id", "status", merge=_LAST
)
cameras = gauge("cameras", "Cameras by what they are worth.", "status", merge=_LAST)
cameras_unmonitored = gauge("cameras_unmonitored", "Cameras that should watch and are blind.", merge=_LAST)
cameras_without_room = gauge("cameras_without_room", "Cameras for which the cluster has no room.", merge=_LAST)
site_is_operating = gauge(
    "site_is_operating", "1 while the site's `operating_hours` hold, in its time zone; 0 outside.", merge=_LAST
)
camera_moves = counter("camera_moves_total", "Actors replaced or moved.", "camera_id", "reason")

# The Recorder and what it writes to
safety_events = counter("safety_events_total", "Episodes recorded.", "type", "severity")
database_failures = counter("database_write_failures_total", "Writes that the database did not take.")
database_consecutive_failures = steady_gauge(
    "database_consecutive_failures", "Writes in a row that the database did not take."
)
snapshot_failures = counter("snapshot_write_failures_total", "Pictures that the store did not take.")
snapshot_consecutive_failures = steady_gauge(
    "snapshot_consecutive_failures", "Pictures in a row that the store did not take."
)
backup_last_success = gauge(
    "backup_last_success_timestamp_seconds", "When the last backup was complete and proved, in seconds since 1970."
)

# The Notifier
capture_to_message = histogram(
    "capture_to_message_seconds",
    "Capture of the frame until its first message was planned, sent and accepted (stage).",
    "stage",
    bounds=_LATENCY,
)
notifications = counter("notifications_total", "Messages by the state that they came to.", "channel_id", "state")
notification_attempts = counter(
    "notification_attempts_total", "Attempts to send (accepted, retry, refused).", "channel_id", "outcome"
)
notification_dead_letters = gauge(
    "notification_dead_letters", "Messages of the last 24 hours that were given up.", merge=_LAST
)
notifications_waiting = gauge("notifications_waiting", "Messages that wait to be sent.", merge=_LAST)
notification_oldest_due = gauge(
    "notification_oldest_due_seconds",
    "For how long the longest overdue message should have been sent; 0: none.",
    merge=_LAST,
)

# The Ingress
websocket_connections = steady_gauge("websocket_connections", "Open sockets and streams of viewers.", merge=_SUM)
ws_frame_send = histogram(
    "ws_frame_send_seconds", "A frame sent to a viewer until the viewer acknowledged it.", bounds=_SECONDS
)
client_errors = counter("client_errors_total", "Faults that viewers' pages told (error, warning, info).", "level")
sign_ins = counter("sign_ins_total", "Attempts to sign in (ok, refused, slowed).", "result")

# The nodes: readings of a loop, which vanish when it hangs
gpu_memory_used = gauge("gpu_memory_used_bytes", "Memory of the GPU that is taken.", "node", "gpu", merge=_LAST)
gpu_memory_total = gauge("gpu_memory_total_bytes", "Memory of the GPU.", "node", "gpu", merge=_LAST)
gpu_utilization = gauge("gpu_utilization_percent", "Time in which the GPU was busy.", "node", "gpu", merge=_LAST)
gpu_temperature = gauge("gpu_temperature_celsius", "Temperature of the GPU.", "node", "gpu", merge=_LAST)
process_memory = gauge(
    "process_memory_bytes", "Resident memory of all processes of one role on a node.", "role", "node", merge=_LAST
)
data_disk_used = gauge(
    "data_disk_used_percent", "How full the disk is on which the node keeps its data.", "node", merge=_LAST
)
log_write_failures = counter("log_write_failures_total", "Log lines that could not be written.")
metrics_hub_node_up = gauge(
    "metrics_hub_node_up", "1: the node gave its metrics, 0: it did not answer; said by the hub itself.", "node"
)
