"""What of the channels and rules can be told to be wrong before anything is sent."""

from collections.abc import Iterator

from cluster.operation.findings import Finding, fault, ok, warning
from cluster.settings.site import SiteSettings


def notification_findings(site_file: str, site: SiteSettings) -> Iterator[Finding]:
    """One for each channel that cannot be opened or that nobody names, and one for all that can."""
    settings = site.notifications
    if not settings.channels:
        return
    from cluster.notifications.channels.opening import channel_faults  # sites without channels start faster

    faults = channel_faults(settings.channels)
    yield from (fault("notifications", error) for error in faults)
    yield ok(
        "notifications", f"{len(settings.channels) - len(faults)} of {len(settings.channels)} channels can be used"
    )
    named = {name for rule in settings.rules for step in rule.steps for name in step.channels}
    for channel in settings.channels:
        if channel.channel_id not in named:
            yield warning(f"channel {channel.channel_id}", "no rule names it, so it is never used", "name it in a step")
    if not settings.page_url:
        mend = f"set notifications.page_url in {site_file}"
        yield warning("notifications", "messages carry no link to their event and cannot be acknowledged by one", mend)
