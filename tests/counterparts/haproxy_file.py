"""The file that Ray writes for HAProxy, of one application with one replica."""

from pathlib import Path

from ray.serve._private.common import RequestProtocol
from ray.serve._private.haproxy import BackendConfig, HAProxyApi, HAProxyConfig, ServerConfig
from ray.serve.config import HTTPOptions

from cluster.operation.ports import free_port


def haproxy_file(folder: Path, port: int, replica: int) -> Path:
    """Listens at `port` everywhere; the replica at `replica` of the loopback."""
    sockets = {name: str(folder / name) for name in ("socket_path", "server_state_file", "metrics_socket_path")}
    configuration = HAProxyConfig(
        **sockets,
        server_state_base=str(folder),
        metrics_port=free_port(),
        stats_port=free_port(),
        http_options=HTTPOptions(host="0.0.0.0", port=port),
        has_received_routes=True,
        is_head=True,
    )
    server = ServerConfig(name="replica", host="127.0.0.1", port=replica)
    backend = BackendConfig(
        name="ingress", path_prefix="/", app_name="ingress", servers=[server], protocol=RequestProtocol.HTTP
    )
    file = folder / "haproxy.cfg"
    api = HAProxyApi(configuration, config_file_path=str(file), backend_configs={"ingress": backend})
    api._generate_config_file_internal()
    return file
