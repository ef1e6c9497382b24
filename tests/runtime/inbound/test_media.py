"""A text with pictures: they are here before its turn, once, or the turn knows why not."""

from pathlib import Path

import pytest

from cooee import App, Media, Reply
from cooee.core.messages import Inbound
from cooee.runtime.inbound import media as subject
from cooee.testing import Kit

PLACE = "https://pictures.example"
CDN = "https://cdn.example"
BASIC = "Basic "


class Gallery:
    """An ASGI app that shows pictures, and counts who asked for what."""

    def __init__(self, **answers):
        self.answers, self.asked = answers, []

    async def __call__(self, scope, receive, send):
        await receive()
        name = scope["path"].strip("/")
        headers = {key.decode(): value.decode() for key, value in scope["headers"]}
        self.asked.append((name, headers.get("authorization", "")))
        answers = self.answers.get(name) or [(404, {}, b"")]
        status, headers, body = answers.pop(0) if len(answers) > 1 else answers[0]
        named = [(key.encode(), value.encode()) for key, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": named})
        await send({"type": "http.response.body", "body": body})


PNG = (200, {"content-type": "image/png"}, b"picture")


def seen(app=None):
    """An app that keeps the media of every text, and answers."""
    app = app or App()
    app.heard = []

    @app.otherwise
    def look(chat):
        app.heard.append((chat.text, chat.message.media))
        return f"saw {sum(bool(one.size) for one in chat.message.media)}"

    return app


async def show(kit, phone, text, *media):
    """Let a text with pictures come, whichever way."""
    inbound = Inbound(
        sender=phone.number,
        recipient=kit.number,
        text=text,
        received_at=kit.clock.now(),
        key=text,
        media=media,
    )
    await kit.service.parts.inbound_receiver.receive([inbound])


async def test_a_picture_is_there_when_its_turn_begins():
    app = seen()
    async with Kit(app) as kit:
        gallery = kit.media.apps[PLACE] = Gallery(one=[PNG])
        anna = kit.phone()
        await show(kit, anna, "look", Media(url=f"{PLACE}/one", content_type="image/png"))
        await kit.quiet()
        ((text, (one,)),) = app.heard
        assert (text, one.content_type, one.size, one.error) == ("look", "image/png", 7, "")
        assert Path(one.path).read_bytes() == b"picture"
        assert one.path.endswith(".png")
        assert gallery.asked == [("one", "")]
        assert anna.inbox == ["saw 1"]


async def test_bytes_that_came_with_the_text_are_put_away_without_asking_anybody():
    app = seen()
    async with Kit(app) as kit:
        await show(kit, kit.phone(), "look", Media(content=b"inline", content_type="image/gif"))
        await kit.quiet()
        ((_, (one,)),) = app.heard
        assert (Path(one.path).read_bytes(), one.content, one.size) == (b"inline", b"", 6)


async def test_a_text_waits_for_its_picture_and_keeps_its_place_and_others_do_not_wait():
    app = seen()
    async with Kit(app) as kit:
        kit.media.apps[PLACE] = Gallery(one=[(503, {}, b"")] * 2 + [PNG])
        anna, ben = kit.phone(), kit.phone()
        await show(kit, anna, "before")
        await show(kit, anna, "look", Media(url=f"{PLACE}/one"))
        await show(kit, anna, "after")
        await show(kit, ben, "hi")
        await kit.quiet()
        assert sorted(text for text, _ in app.heard) == ["before", "hi"]
        await kit.wait(10)
        assert [text for text, _ in app.heard][2:] == ["look", "after"]
        assert app.heard[2][1][0].size == 7


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((404, {}, b""), "answered 404"),
        ((503, {}, b""), "answered 503"),
        ((403, {}, b""), "answered 403"),
        ((401, {}, b""), "answered 401"),
        ((200, {"content-type": "text/html"}, b"<h1>"), "text/html came"),
        ((200, {"content-type": "image/png"}, b""), "is empty"),
        ((200, {"content-type": "image/png"}, b"x" * 2_000), "more than 1,000 bytes"),
        ((302, {"location": "http://169.254.169.254/latest"}, b""), "https"),
        ((302, {"location": "https://nobody.example/"}, b""), "nobody is there"),
    ],
)
async def test_what_cannot_be_had_is_told_to_the_turn_in_the_end(answer, words):
    app = seen()
    async with Kit(app) as kit:
        small(kit, 1_000)
        gallery = kit.media.apps[PLACE] = Gallery(one=[answer], two=[PNG])
        pictures = [
            Media(url=f"{PLACE}/{name}", content_type="image/png") for name in ("one", "two")
        ]
        await show(kit, kit.phone(), "look", *pictures)
        await kit.wait(300)
        ((_, (one, two)),) = app.heard
        assert words in one.error
        assert (one.path, one.size, two.size) == ("", 0, 7)
        assert len([name for name, _ in gallery.asked if name == "one"]) in {0, 1, 5}


def small(kit, largest):
    """Make the limit small; it is a setting."""
    from msgspec.structs import replace

    kit.service.parts.media_fetcher._config = replace(
        kit.service.parts.media_fetcher._config, max_bytes=largest
    )


async def test_a_picture_is_fetched_again_after_a_crash_and_its_text_answered_once():
    app = seen()
    async with Kit(app) as kit:
        gallery = kit.media.apps[PLACE] = Gallery(one=[(503, {}, b"")])
        anna = kit.phone()
        await show(kit, anna, "look", Media(url=f"{PLACE}/one"))
        await kit.quiet()
        await kit.stop()
        gallery.answers["one"] = [PNG]
        await kit.start()
        await kit.wait(130)
        assert [(text, one.size) for text, (one,) in app.heard] == [("look", 7)]
        assert anna.inbox == ["saw 1"]


async def test_a_picture_is_fetched_once_however_often_its_turn_is_tried():
    app, tries = App(), []

    @app.otherwise
    def fail(chat):
        tries.append(chat.message.media[0].path)
        if len(tries) < 3:
            raise ValueError("not yet")
        return "done"

    async with Kit(app) as kit:
        gallery = kit.media.apps[PLACE] = Gallery(one=[PNG])
        anna = kit.phone()
        await show(kit, anna, "look", Media(url=f"{PLACE}/one"))
        await kit.wait(600)
        assert (len(tries), len(set(tries)), len(gallery.asked)) == (3, 1, 1)
        assert anna.inbox == ["done"]


async def test_an_opt_out_word_with_a_picture_waits_for_nothing():
    app = seen()
    async with Kit(app, switches=["optout"]) as kit:
        gallery = kit.media.apps[PLACE] = Gallery(one=[PNG])
        anna = kit.phone()
        await show(kit, anna, "STOP", Media(url=f"{PLACE}/one"))
        await kit.quiet()
        assert (await kit.store.counts()).opted_out == 1
        assert gallery.asked == []


async def test_who_is_forgotten_loses_their_pictures_too():
    app = seen()
    async with Kit(app) as kit:
        kit.media.apps[PLACE] = Gallery(one=[PNG], two=[PNG])
        anna, ben = kit.phone(), kit.phone()
        await show(kit, anna, "hers", Media(url=f"{PLACE}/one"))
        await show(kit, ben, "his", Media(url=f"{PLACE}/two"))
        await kit.quiet()
        paths = {text: Path(one.path) for text, (one,) in app.heard}
        await kit.store.forget(anna.number)
        await subject.erase_forgotten_media(kit.store, kit.service.options.media_config.storage)
        assert (paths["hers"].exists(), paths["his"].exists()) == (False, True)
        assert list(await kit.store.media_to_erase()) == []


async def test_a_picture_of_somebody_forgotten_meanwhile_is_not_kept():
    app = seen()
    async with Kit(app) as kit:
        gallery = kit.media.apps[PLACE] = Gallery(one=[(503, {}, b"")])
        anna = kit.phone()
        await show(kit, anna, "look", Media(url=f"{PLACE}/one"))
        await kit.quiet()
        await kit.store.forget(anna.number)
        gallery.answers["one"] = [PNG]
        await kit.wait(60)
        folder = Path(kit.service.options.media_config.storage.location)
        assert app.heard == []
        assert list(folder.iterdir()) == []


# Credentials, at a company that wants them


async def test_credentials_go_to_the_companys_own_host_alone():
    app = seen()
    async with Kit(app, provider="twilio") as kit:
        own = kit.service.provider._base_url
        trust(kit, own)
        api = kit.media.apps[own] = Gallery()
        api.answers["twilio/one"] = [(307, {"location": f"{CDN}/one"}, b"")]
        cdn = kit.media.apps[CDN] = Gallery(one=[PNG])
        await show(kit, kit.phone(), "look", Media(url=f"{own}/one"), Media(url=f"{CDN}/one"))
        await kit.quiet()
        ((_, media),) = app.heard
        assert [one.size for one in media] == [7, 7]
        assert [shown.startswith(BASIC) for _, shown in api.asked] == [True]
        assert [shown for _, shown in cdn.asked] == ["", ""]


async def test_refused_credentials_are_renewed_once_and_never_shown_elsewhere():
    app = seen()
    async with Kit(app, provider="twilio") as kit:
        own = kit.service.provider._base_url
        trust(kit, own)
        api = kit.media.apps[own] = Gallery()
        api.answers["twilio/one"] = [(401, {}, b""), PNG]
        cdn = kit.media.apps[CDN] = Gallery(two=[(401, {}, b"")])
        await show(kit, kit.phone(), "look", Media(url=f"{own}/one"), Media(url=f"{CDN}/two"))
        await kit.wait(300)
        ((_, (one, two)),) = app.heard
        assert (one.size, len(api.asked)) == (7, 2)
        assert "401" in two.error
        assert {shown for _, shown in cdn.asked} == {""}


def trust(kit, url):
    """Trust a host without https, as COOEE_MEDIA_TRUSTED does."""
    from urllib.parse import urlsplit

    from msgspec.structs import replace

    from cooee.net.ssrf_guard import SSRFGuard

    cloakroom = kit.service.parts.media_fetcher._config
    kit.service.parts.media_fetcher._config = replace(
        cloakroom, guard=SSRFGuard([urlsplit(url).netloc])
    )


# Pictures out


def answering(*media):
    app = App()

    @app.on("TIME")
    def time(chat):
        return "noon"

    @app.otherwise
    def picture(chat):
        return Reply("Here it is.", media=list(media))

    return app


async def test_a_picture_goes_out_where_the_company_carries_it():
    async with Kit(answering(f"{PLACE}/one.png"), provider="twilio") as kit:
        anna = kit.phone()
        assert await anna.text("show me") == ["Here it is."]
        provider = kit.service.provider
        log = await kit.service.session.call(lambda keys: _log(provider, keys))
        assert [(one["body"], one["num_media"]) for one in log if one["num_media"] != "0"] == [
            ("Here it is.", "1")
        ]


def _log(provider, credentials):
    answer = yield provider._get_request("/Messages.json", credentials)
    return answer.json()["messages"]


@pytest.mark.parametrize("provider", ["simulated", "telstra-v2"])
async def test_where_it_cannot_the_turn_fails_in_words_and_nothing_is_half_said(provider):
    async with Kit(answering(f"{PLACE}/one.png"), provider=provider) as kit:
        anna = kit.phone()
        kit.send(anna, "show me")
        await kit.quiet()
        assert anna.inbox == []
        (trouble,) = await kit.troubles(anna)
        assert f"{provider} cannot send pictures" in trouble


async def test_text_replies_go_on_where_pictures_cannot():
    async with Kit(answering(f"{PLACE}/one.png")) as kit:
        assert await kit.phone().text("TIME") == ["noon"]


def test_one_picture_or_many_in_any_kind_of_list_are_a_tuple():
    assert Reply("x", media=[PLACE]).media == (PLACE,)
    assert Reply("x", media=PLACE).media == (PLACE,)
    assert Reply("x").media == ()
    assert hash(Reply("x", media=[PLACE]))


async def test_a_picture_without_words_is_received_and_is_no_answer_to_a_question():
    app = App()

    @app.dialogue("DAMAGE")
    async def damage(chat):
        chat.say("Send a picture.")
        words = await chat.receive()
        [picture] = chat.message.media
        plate = await chat.ask("Its number plate?")
        return f"{plate}: {words!r}, {Path(picture.path).read_bytes().decode()}"

    async with Kit(app) as kit:
        kit.media.apps[PLACE] = Gallery(one=[PNG])
        anna = kit.phone()
        await anna.text("DAMAGE")
        await show(kit, anna, "", Media(url=f"{PLACE}/one", content_type="image/png"))
        await kit.quiet()
        assert anna.read() == ["Its number plate?"]
        await show(kit, anna, " ", Media(url=f"{PLACE}/one", content_type="image/png"))
        await kit.quiet()
        assert anna.read() == ["Sorry, I did not understand that. Its number plate?"]
        await kit.restart()
        assert await anna.text("ABC 123") == ["ABC 123: '', picture"]


async def test_no_picture_that_came_while_its_text_was_put_off_waits_for_the_next_look():
    app = seen()
    async with Kit(app) as kit:
        kit.media.apps[PLACE] = Gallery(**{f"p{n}": [PNG] for n in range(20)})
        began = kit.clock.now()
        for n in range(20):
            await show(kit, kit.phone(), f"text {n}", Media(url=f"{PLACE}/p{n}"))
        await kit.quiet()
        assert sorted(text for text, _ in app.heard) == sorted(f"text {n}" for n in range(20))
        assert kit.clock.now() == began
