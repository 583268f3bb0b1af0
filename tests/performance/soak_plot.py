"""build/soak.png: memory, descriptors and threads of every process over time."""

from pathlib import Path

from performance.soak_growth import Growth, Held

_SHORTEST = 3


def plot(growth: Growth, file: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(3, 1, figsize=(12, 14), sharex=True)
    for held in growth.processes.values():
        if len(held.at_s) >= _SHORTEST:
            for axis, values in zip(axes, (held.rss_mb, held.descriptors, held.threads), strict=True):
                axis.plot([at_s / 60 for at_s in held.at_s], values, label=_label(held), linewidth=1)
    for axis, name in zip(axes, ("RSS (MiB)", "file descriptors", "threads"), strict=True):
        axis.set_ylabel(name)
        axis.grid(alpha=0.3)
    axes[0].legend(fontsize=6, ncols=3)
    axes[-1].set_xlabel("minutes")
    figure.tight_layout()
    figure.savefig(file, dpi=120)
    pyplot.close(figure)


def _label(held: Held) -> str:
    return f"{held.role} ({held.pid})"
