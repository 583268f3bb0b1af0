"""The socket of events: resumed without a hole, and honest about a database that is away."""

from dataclasses import replace

from counterparts.viewer_sockets import EVENTS, client_of, closed_by, next_events
from counterparts.waiting import wait_for


def test_events_resume_from_a_cursor_without_a_hole(client, site):
    for number in range(10):
        site.events.add(number)
    with client.websocket_connect(f"{EVENTS}?cursor=0") as socket:
        before = [message["cursor"] for message in next_events(socket, 4)]

    with client.websocket_connect(f"{EVENTS}?cursor={before[-1]}") as socket:
        after = [message["cursor"] for message in next_events(socket, 6)]
        site.events.add(11)
        after += [message["cursor"] for message in next_events(socket, 1)]

    assert before + after == list(range(1, 12))


def test_without_a_cursor_only_what_comes_is_told(client, site):
    site.events.add(1)
    with client.websocket_connect(EVENTS) as socket:
        assert socket.receive_json() == {"type": "status", "database": "ok", "cursor": 1}
        site.events.add(2)

        message = next_events(socket, 1)[0]

    assert (message["cursor"], message["kind"], message["event"]["correlation_id"]) == (2, "event", "gate-1-3-2")


def test_many_viewers_read_new_changes_from_one_follower(client, site):
    sockets = [client.websocket_connect(EVENTS) for _ in range(5)]
    for socket in sockets:
        socket.__enter__()
        socket.receive_json()
    for number in range(20):
        site.events.add(number)

    seen = [[message["cursor"] for message in next_events(socket, 20)] for socket in sockets]

    assert seen == [list(range(1, 21))] * 5
    for socket in sockets:
        socket.__exit__(None, None, None)


def test_a_database_that_goes_is_told_once_and_nothing_is_lost(client, site):
    with client.websocket_connect(EVENTS) as socket:
        socket.receive_json()
        site.events.away = True
        away = socket.receive_json()
        heartbeats = [socket.receive_json()["type"] for _ in range(2)]
        site.events.add(1)
        site.events.away = False

        rest = [socket.receive_json() for _ in range(2)]

    assert (away["type"], away["database"]) == ("status", "away")
    assert heartbeats == ["heartbeat", "heartbeat"]
    assert {message["type"] for message in rest} == {"status", "event"}


def test_a_viewer_that_comes_while_the_database_is_away_is_told_and_then_served(client, site):
    site.events.add(1)
    site.events.away = True
    with client.websocket_connect(f"{EVENTS}?cursor=0") as socket:
        assert socket.receive_json()["database"] == "away"
        site.events.away = False

        assert next_events(socket, 1)[0]["cursor"] == 1


def test_a_viewer_of_events_that_acknowledges_nothing_resumes(site, make):
    for number in range(10):
        site.events.add(number)
    with client_of(site, replace(make.QUICK, changes_on_their_way=4, changes_grace_s=0.5)) as client:
        with client.websocket_connect(f"{EVENTS}?cursor=0") as silent:
            seen = [message["cursor"] for message in next_events(silent, 4)]
            code, reason = closed_by(silent)
        with client.websocket_connect(f"{EVENTS}?cursor={seen[-1]}") as heard:
            for _ in range(6):
                seen.append(next_events(heard, 1)[0]["cursor"])
                heard.send_json({"ack": seen[-1]})

    assert (code, "resume from 4" in reason) == (4009, True)
    assert seen == list(range(1, 11))


def test_the_follower_rests_when_nobody_follows(client, site):
    with client.websocket_connect(EVENTS) as socket:
        socket.receive_json()
    task = client.app.state.live.changes._task

    wait_for("the follower to end", task.done, every_s=0.01)
