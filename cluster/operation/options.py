"""Options that several commands have."""

from typing import Annotated

import typer

from cluster.operation.ports import NodePorts

Config = Annotated[str, typer.Option("--config", "-c", help="The Serve configuration.", show_default=True)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
RayPort = Annotated[int, typer.Option(help="Port of Ray itself.", envvar="SAFE_YOLO_RAY_PORT", min=1024, max=65535)]
DashboardPort = Annotated[
    int, typer.Option(help="Port of the Ray dashboard.", envvar="SAFE_YOLO_DASHBOARD_PORT", min=1024, max=65535)
]
MetricsPort = Annotated[
    int, typer.Option(help="Port of Ray's metrics.", envvar="SAFE_YOLO_METRICS_PORT", min=1024, max=65535)
]
DEFAULT_PORTS = NodePorts()


def exit_unless(well: bool, code: int) -> None:
    """Ends the command with `code` where something is not `well`."""
    if not well:
        raise typer.Exit(code)
