"""Messages of the page: decoding, refusal, roles, and generated types."""

import ast
import json
from pathlib import Path

import numpy as np
import pytest
from msgspec import ValidationError, defstruct, inspect
from vetting_helpers import ANN, EVE, VIC

from explorer import protocol
from explorer.protocol import MalformedRequestError, UnknownRequestError, decode
from explorer.protocol.typescript import declarations
from explorer.rooms import explore
from explorer.rooms.channel import NOT_HERE, NOT_UNDERSTOOD, Channel, asset
from explorer.rooms.vetting.adjudicate import AdjudicateRoom
from explorer.rooms.vetting.campaigns import CampaignsRoom
from explorer.rooms.vetting.vet import VetRoom
from explorer.rooms.vetting.visit import Visit
from explorer.state.workspace import Workspace
from explorer.vetting.people import Role

SCALARS = {inspect.StrType: "1", inspect.IntType: 1, inspect.FloatType: 1.5, inspect.BoolType: True}


def example(found):
    """A value of a type."""
    match found:
        case inspect.StructType():
            value = {field.encode_name: example(field.type) for field in found.fields if field.required}
            value |= {found.tag_field: found.tag} if found.tag_field else {}
        case inspect.UnionType():
            value = example(found.types[0])
        case inspect.LiteralType():
            value = found.values[0]
        case inspect.EnumType():
            value = next(iter(found.cls)).value
        case inspect.VarTupleType():
            value = [example(found.item_type)]
        case inspect.TupleType():
            value = [
                1.5 + k if isinstance(one, inspect.FloatType) else example(one)
                for k, one in enumerate(found.item_types)
            ]
        case inspect.DictType():
            value = {"teff": example(found.value_type)}
        case _:
            value = SCALARS[type(found)]
    return value


EXAMPLES = {kind: example(inspect.type_info(request)) for kind, request in protocol.REQUESTS.items()}


@pytest.mark.parametrize("kind", EXAMPLES)
def test_each_request_is_decoded_and_refused_where_a_field_is_wrong(kind):
    data = EXAMPLES[kind]
    assert type(decode(data)) is protocol.REQUESTS[kind]
    assert json.loads(json.dumps(data)) == data
    with pytest.raises(MalformedRequestError, match="unknown field"):
        decode(data | {"surplus": 1})
    for name in data:
        if name == "kind":
            continue
        with pytest.raises(MalformedRequestError, match="missing required field"):
            decode({key: value for key, value in data.items() if key != name})
        with pytest.raises(MalformedRequestError):
            decode(data | {name: object()})


@pytest.mark.parametrize(
    "data", [None, 5, "look", [], {}, {"kind": None}, {"kind": []}, {"kind": "Look"}, {"kind": ""}]
)
def test_what_no_page_sends_is_unknown(data):
    with pytest.raises(UnknownRequestError):
        decode(data)


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_numbers_are_finite_wherever_they_are(number):
    for data in (
        {"kind": "tap", "slot": 0, "x": number, "y": 0.0},
        {"kind": "refit", "fixed": {"teff": number}, "fit_rv": True, "masked": []},
        {"kind": "region", "slot": 0, "geometry": {"type": "poly", "x": [0.0, number], "y": [0.0, 1.0]}},
    ):
        with pytest.raises(MalformedRequestError, match="a number is"):
            decode(data)


def test_the_types_of_the_page_are_those_of_the_server():
    remedy = "python -m explorer.protocol.typescript > assets/js/protocol.d.ts"
    assert asset("js", "protocol.d.ts") == declarations(), remedy


DECLARED = {field.name for field in inspect.type_info(protocol.Update).fields}

UNDECLARED = [
    {"mesage": "Saved."},
    {"message": 5},
    {"stage": {"panels": [], "enlarged": None}},
    {"layers": [protocol.PickedLayer(0, b"")]},
    {"layers": (protocol.PickedLayer(0, b""), {"slot": 1})},
    {"star": protocol.Counts(1, 2)},
    {"counts": None},
]


@pytest.mark.parametrize("parts", UNDECLARED, ids=repr)
def test_what_is_not_declared_is_not_sent(page, parts):
    before = len(page.sent)
    with pytest.raises(protocol.UndeclaredPartError, match=next(iter(parts))), page.room.channel.batch():
        page.room.channel.send(**parts)
    assert len(page.sent) == before


def test_an_array_of_another_type_breaks_the_law_of_declared_messages(page):
    curve, wrong = (protocol.Curve(0.0, 1.0, np.zeros(3, kind)) for kind in (np.uint16, np.float64))
    residuals = protocol.ResidualsDrawing(curve, (-5.0, 5.0), "residual / σ", "data − model", ())
    trial = protocol.TrialDrawing(wrong, residuals, (), lower=True)
    with pytest.raises(ValidationError, match="uint16"):
        page.room.channel.send(trial=protocol.TrialModel("1", 1, trial))


def test_each_declared_part_is_sent_by_a_room():
    rooms = Path(explore.__file__).parent
    calls = [
        node
        for path in rooms.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "send"
    ]
    assert {keyword.arg for call in calls for keyword in call.keywords} == DECLARED


def test_a_later_part_replaces_what_it_sets_of_an_earlier_one():
    earlier = protocol.SideState(open=True, report="a")
    assert protocol.merged(None, earlier) is earlier
    assert protocol.merged(earlier, protocol.SideState(report="b", views=())) == protocol.SideState(
        open=True, report="b", views=()
    )


def test_a_part_on_the_wire_has_the_names_of_its_fields_and_no_unset_ones():
    image = protocol.ImageLayer(2, "selected", (0.0, 1.0, 0.0, 1.0), (3, 4), 5, 9)
    sent = protocol.encoded({"layers": (image,), "side": protocol.SideState(open=False), "home": True})
    layer = {"kind": "image", "slot": 2, "name": "selected", "window": (0.0, 1.0, 0.0, 1.0), "shape": (3, 4)}
    assert sent == {"layers": (layer | {"from": 5, "to": 9},), "side": {"open": False}, "home": True}


def test_types_of_the_page_refuse_two_structures_of_one_name(monkeypatch):
    double = defstruct("Tap", [("slot", int)])
    monkeypatch.setitem(protocol.REQUESTS, "double", double)
    with pytest.raises(TypeError, match="Tap is declared twice"):
        declarations()


class Room:
    """A vetting room and what it answers."""

    def __init__(self, commands, person, kind):
        visit = Visit(commands, person, "" if person else "Sign in to vet.", Workspace(commands.library.table))
        self.room = kind(visit) if kind is not CampaignsRoom else kind(visit, commands.library.products.directory)
        self.sent = []
        self.room.channel.deliver = self.sent.append

    def ask(self, data):
        """Names of the parts and the sentence of the answer."""
        self.sent.clear()
        self.room.channel._handle_msg(data)
        return {name: value for parts in self.sent for name, value in parts.items()}


ROOMS = {VetRoom: Role.INSPECTOR, AdjudicateRoom: Role.ADJUDICATOR, CampaignsRoom: Role.VIEWER}


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.__name__)
@pytest.mark.parametrize(
    ("person", "role"),
    [(None, -1), (VIC, Role.VIEWER), (ANN, Role.INSPECTOR), (EVE, Role.ADJUDICATOR)],
    ids=["nobody", "viewer", "inspector", "adjudicator"],
)
def test_every_request_of_every_role(commands, monkeypatch, room, person, role):
    screen = Room(commands, person, room)
    ran = []
    monkeypatch.setattr(screen.room.channel, "_run", lambda *given: ran.append(given[2]))
    handled = screen.room.channel._handlers
    for kind, data in EXAMPLES.items():
        ran.clear()
        answer = screen.ask(data)
        request = protocol.REQUESTS[kind]
        if request not in handled:
            assert (answer["message"], answer["refused"], ran) == (NOT_HERE, kind, []), kind
        elif role < max(ROOMS[room], request.role):
            assert (answer["refused"], bool(answer.get("message") or answer["closed"]), ran) == (kind, True, []), kind
            assert ("closed" in answer) == (role < ROOMS[room]), kind
        else:
            assert ran == [kind], kind


@pytest.mark.parametrize("person", ["no record", None, VIC, ANN, EVE], ids=str)
def test_roles_count_in_explore_as_in_the_vetting_rooms(commands, library, links, make_page, person):
    table = library.table
    record = None if person == "no record" else Visit(commands, person, "Sign in.", Workspace(table))
    page = make_page(library, links, Workspace(table, panels=()), record=record)
    ran = []
    page.room.channel.on(protocol.OpenConflict, ran.append)  # as a newcomer would, who declares a role for a request
    answer = page.send(**EXAMPLES["open_conflict"])
    if person is EVE:
        assert len(ran) == 1
    else:
        assert (ran, answer["refused"], bool(answer["message"])) == ([], "open_conflict", True)


def test_a_page_without_roles_refuses_what_needs_one():
    channel, sent, ran = Channel(), [], []
    channel.deliver = sent.append
    channel.on(protocol.OpenConflict, ran.append)
    channel._handle_msg(EXAMPLES["open_conflict"])
    assert (ran, sent[0]["refused"]) == ([], "open_conflict")


def test_a_handler_for_each_request_is_somewhere(commands, page):
    vetting = [Room(commands, EVE, room).room.channel for room in ROOMS]
    handled = set().union(*(channel._handlers for channel in (page.room.channel, *vetting)))
    missing = {request.__name__ for request in protocol.REQUESTS.values() if request not in handled}
    assert missing == {"Apply", "Rebuild", "Configuration"}, "those are of the page of columns"


def test_a_refused_request_of_explore_has_a_sentence(page, caplog):
    page.open()
    assert page.ask(kind="judge", **{k: v for k, v in EXAMPLES["judge"].items() if k != "kind"})["message"] == NOT_HERE
    assert page.ask(kind="tap", slot=0)["message"] == NOT_UNDERSTOOD
    assert "missing required field `x`" in caplog.text
    page.ask(kind="undo", **{"a\nforged line": 1})
    assert "\\nforged line" in caplog.messages[-1]
