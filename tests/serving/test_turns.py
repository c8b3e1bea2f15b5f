"""Whose turn it is: nobody who sends much holds up those who send little."""

from issuer.serving.turns import ALL, EACH, FIRST, Turns


def joined(turns: Turns[str], address: str, number: int, *, last: bool = False) -> list[str | None]:
    return [turns.join(address, f"{address}{n}", last=last) for n in range(number)]


def taken(turns: Turns[str], number: int) -> list[str | None]:
    return [turns.next() for _ in range(number)]


def test_one_of_each_address_goes_round_and_round():
    turns: Turns[str] = Turns()
    joined(turns, "a", 3)
    joined(turns, "b", 2)
    joined(turns, "c", 1)
    assert taken(turns, 7) == ["a0", "b0", "c0", "a1", "b1", "a2", None]


def test_whoever_comes_late_waits_for_one_of_each_other():
    turns: Turns[str] = Turns()
    joined(turns, "a", EACH)
    joined(turns, "b", EACH)
    taken(turns, 2)
    joined(turns, "c", 1)
    assert taken(turns, 3) == ["a1", "b1", "c0"]


def test_one_address_fills_its_own_places_and_no_others():
    turns: Turns[str] = Turns()
    assert joined(turns, "a", EACH) == [None] * EACH
    assert turns.join("a", "too many") == "too many"
    assert turns.join("b", "b0") is None
    assert len(turns) == EACH + 1


def test_where_all_places_are_taken_whoever_has_most_gives_one_up():
    turns: Turns[str] = Turns()
    for number in range(ALL // EACH):
        joined(turns, f"{number}-", EACH)
    assert len(turns) == ALL
    assert turns.join("b", "b0") == f"0-{EACH - 1}"  # the latest of the first
    assert turns.join("b", "b1") == f"1-{EACH - 1}"
    assert len(turns) == ALL
    assert taken(turns, 6)[4] == "b0"


def test_where_everybody_has_one_place_there_is_none_to_give_up():
    turns: Turns[str] = Turns()
    for number in range(ALL):
        turns.join(str(number), "x")
    assert turns.join("b", "b0") == "b0"
    assert len(turns) == ALL


def test_suspects_go_when_nobody_else_waits_and_now_and_then_before():
    turns: Turns[str] = Turns()
    joined(turns, "suspect", 8, last=True)
    joined(turns, "a", 8)
    order = taken(turns, 16)
    assert order[: FIRST - 1] == ["a0", "a1", "a2"]
    assert order[FIRST - 1] == "suspect0"  # they do not wait for ever
    assert order[FIRST : 2 * FIRST] == ["a3", "a4", "a5", "suspect1"]
    assert order[-1] == "suspect7"
    assert turns.next() is None


def test_any_number_of_suspects_gives_way_to_one_who_is_none():
    turns: Turns[str] = Turns()
    for number in range(ALL):
        turns.join(f"suspect{number}", f"suspect{number}", last=True)
    assert turns.join("another suspect", "x", last=True) == "x"
    assert turns.join("a", "a0") == "suspect0"
    assert turns.next() == "a0"
    assert len(turns) == ALL - 1


def test_suspects_take_nobodys_place_who_is_none():
    turns: Turns[str] = Turns()
    for number in range(ALL // EACH):
        joined(turns, f"{number}-", EACH)
    assert turns.join("suspect", "x", last=True) == "x"
    assert len(turns) == ALL


def test_who_gave_up_their_only_place_may_come_again():
    turns: Turns[str] = Turns()
    turns.join("suspect", "x", last=True)
    for number in range(ALL - 1):
        turns.join(str(number), "y")
    assert turns.join("a", "a0") == "x"
    assert turns.join("suspect", "z", last=True) == "z"
    assert sum(each is not None for each in taken(turns, ALL + 5)) == ALL
