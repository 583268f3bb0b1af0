"""The live wall in real Chromium."""

from counterparts.page_site import fakes, now, street
from counterparts.waiting import wait_for


def test_the_wall_shows_live_pictures_with_zones_and_boxes(visit, served):
    page = visit()
    page.tile("gate-1").locator(".tile-figures", has_text="fps").wait_for()
    page.page.wait_for_selector("article[data-camera=gate-1][data-live=true]")

    # The right edge of the danger zone, drawn over the JPEG.
    assert page.pixels("gate-1") == 1.0
    wait_for("red at the press", lambda: page.red_at("gate-1", 0.7, 0.8), every_s=0.02)
    assert "alarm" in page.tile("gate-1").get_attribute("class")
    assert "alarm" not in page.tile("yard-3").get_attribute("class")
    assert page.tile("dock-4").locator(".tile-name").inner_text() == "<b>하역장</b> / Dock 4"
    assert "감지가 작동하지 않습니다" in page.tile("dock-4").locator(".banner").inner_text()
    page.page.wait_for_function("[...document.querySelectorAll('.event img')].filter(i => i.naturalWidth).length >= 2")
    page.page.click("#language")
    page.page.wait_for_selector("text=Latest events")
    assert (page.complaints, page.foreign) == ([], [])


def test_a_blind_camera_shows_a_card_in_both_languages_and_no_pixel_of_its_last_frame(visit, served):
    page = visit()
    page.page.wait_for_selector("article[data-camera=gate-1][data-live=true]")
    assert page.pixels("gate-1") == 1.0

    served.site.cameras.pictures["gate-1"] = fakes.blind("gate-1")
    page.page.wait_for_selector("article[data-camera=gate-1][data-status=UNMONITORED]")

    card = page.tile("gate-1").locator(".card")
    assert page.pixels("gate-1") == 0.0
    assert card.is_visible()
    assert all(
        words in card.inner_text()
        for words in ["감시 안 됨", "UNMONITORED", "no frame for 5 s", "not take it for safe"]
    )

    served.site.cameras.pictures["gate-1"] = fakes.picture("gate-1", epoch=4, jpeg=street())
    page.page.wait_for_selector("article[data-camera=gate-1][data-live=true]")
    assert (page.complaints, page.foreign) == ([], [])


def test_a_new_event_appears_and_its_end_is_told(visit, served):
    page = visit()
    page.page.wait_for_selector(".event")
    page.page.wait_for_selector("[data-link=live]")
    opened = served.site.events.add(20, camera_id="yard-3", opened_at=now(), updated_at=now())
    served.site.snapshots.kept[opened.snapshot_name] = street()
    first = page.page.locator(".event").first
    first.locator("text=위험 구역 침입").wait_for()
    page.page.wait_for_selector("article[data-camera=yard-3].alarm")

    closed = fakes.replace(
        opened, event=fakes.replace(opened.event, revision=2, state=fakes.EpisodeState.CLOSED, closed_at=now())
    )
    served.site.events.rows[opened.event.event_id] = closed
    served.site.events.changes.append(fakes.Change(len(served.site.events.changes) + 1, fakes.ChangeKind.EVENT, closed))

    page.page.wait_for_selector(".event:first-child[data-state=closed]")
    page.page.wait_for_selector("article[data-camera=yard-3]:not(.alarm)")
    assert (page.complaints, page.foreign) == ([], [])


def test_the_link_of_a_message_shows_its_event(visit, served):
    wanted = next(stored.event for stored in served.site.events.rows.values() if stored.snapshot_name)
    page = visit()
    page.page.goto(f"{served.address}/?event={wanted.event_id}")

    page.page.wait_for_selector("dialog[open] img")
    assert "사람 입장" in page.page.locator("dialog[open]").inner_text()
    assert (page.complaints, page.foreign) == ([], [])


def test_an_event_is_acknowledged_on_the_page_and_says_whom_it_was_told(visit, served):
    opened = next(one for one in served.site.events.rows.values() if one.event.event_type == "CAMERA_UNMONITORED")
    served.site.messages.told = [_told(opened.event)]
    page = visit()

    page.page.locator(".event", has_text="카메라 감시 안 됨").locator(".thumb").click()
    assert page.page.locator(".delivery").inner_text().startswith("room · 발생 · 전달됨 · ")
    page.page.locator("#viewer-name").fill("김 반장")
    page.page.locator("#viewer-acknowledge").click()

    page.page.wait_for_selector("#viewer-acknowledge:disabled:has-text('김 반장 확인')")
    [said] = served.site.events.said
    assert (said.event_id, said.by, said.way) == (opened.event.event_id, "김 반장", "api")
    assert said.occurrence == opened.occurrence
    assert (page.complaints, page.foreign) == ([], [])


def test_the_button_behind_the_link_of_a_message_acknowledges(visit, served):
    opened = next(iter(served.site.events.rows.values()))
    link = served.site.links.link(opened.event.event_id, "room", 1, now())
    page = visit()
    page.page.goto(served.address + link.removeprefix("http://localhost:8001"))
    assert served.site.events.said == []

    page.page.locator("#acknowledge").click()

    page.page.wait_for_selector("[data-said=done]:visible")
    assert not page.page.locator("#acknowledge").is_visible()
    assert [said.by for said in served.site.events.said] == ["room"]
    assert (page.complaints, page.foreign) == ([], [])


def _told(event):
    return fakes.PlannedMessage(
        "m-1", event.event_id, fakes.MessageKind.OPENED, 1, "all", 0, "room", fakes.MessageState.ACCEPTED,
        event.severity, event.correlation_id, now(), now(), now(), attempts=1, accepted_at=now(),
    )  # fmt: skip


def test_when_the_server_goes_every_tile_says_so_and_when_it_is_back_the_page_goes_on(visit, served):
    page = visit()
    page.page.wait_for_selector("article[data-camera=gate-1][data-live=true]")

    served.stop()
    page.page.wait_for_selector("article[data-camera=gate-1][data-status=LOST]")

    assert page.pixels("gate-1") == 0.0
    assert "Connection lost" in page.tile("gate-1").locator(".card").inner_text()
    page.page.wait_for_selector("#health[data-status=unreachable]")

    served.come_back()
    page.page.wait_for_selector("article[data-camera=gate-1][data-live=true]")
    page.page.wait_for_selector("#health:not([data-status=unreachable])")


def test_a_wall_in_pages_streams_what_is_in_sight_and_names_what_needs_a_look_elsewhere(served, visit):
    known, pictures = served.site.cameras.known, served.site.cameras.pictures
    for number in range(5, 7):
        known[f"cam-{number}"] = fakes.report(f"cam-{number}")
        pictures[f"cam-{number}"] = fakes.picture(f"cam-{number}", jpeg=street(), zones=())
    known["cam-5"] = fakes.report("cam-5", fakes.CameraStatus.UNMONITORED, name="Hall 5")
    streams = set()
    page = visit("#/live?tiles=4")
    page.page.on("websocket", lambda opened: streams.add(opened.url.split("/cameras/")[-1].split("/")[0]))
    page.page.reload()
    for camera_id in ("gate-1", "yard-3", "dock-4"):
        page.page.wait_for_selector(f"article[data-camera={camera_id}][data-live=true]")
    page.page.wait_for_selector("article[data-camera=press-2][data-status=UNMONITORED]")
    assert page.page.locator("article").count() == 4
    assert streams & set(known) == {"gate-1", "press-2", "yard-3", "dock-4"}

    page.page.get_by_role("button", name="다른 쪽에 주의할 카메라: Hall 5").click()

    page.page.wait_for_selector("article[data-camera=cam-6][data-live=true]")
    assert page.page.url.endswith("#/live?tiles=4&page=2")
    assert page.page.locator("article").count() == 2
    assert (page.complaints, page.foreign) == ([], [])
