"""Pipelines as text: a mistake is named with its line."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InvalidInput
from core.pipeline import PipelineConfig, check, load_json, load_text, load_yaml, parse_config
from tests.unit.core.pipeline.pipeline_cases import make_config, make_data

YAML = """
id: dawn
name: Dawn
symbol: AAPL
nodes:
  - id: start
    agent_type: time_trigger
    config:
      schedule: {type: specific_time, date: 2025-03-10, time: "09:45", timezone: America/New_York}
  - {id: report, agent_type: reporting_agent}
edges:
  - {from: start, to: report}
"""


def problem_of(text: str, name: str = "a.json") -> tuple[str, str]:
    with pytest.raises(InvalidInput) as invalid:
        load_text(text, name=name)
    (problem,) = invalid.value.problems
    return problem.path, f"{problem.found}; {problem.expected}"


def test_json_and_yaml_give_the_same_pipeline() -> None:
    assert load_json(json.dumps(make_data())) == make_config()
    config = load_text(YAML, name="dawn.yaml")
    assert check(config) == []
    assert load_json(json.dumps(config.to_json())) == config


def test_bad_json_is_named_with_its_line() -> None:
    text = '{\n  "id": "a",\n  "name": "b"\n  "symbol": "AAPL"\n}'
    path, said = problem_of(text)
    assert path == "line 4, column 3"
    assert '"symbol": "AAPL"' in said
    assert "Expecting ',' delimiter" in said


def test_a_text_that_ends_too_early_says_so() -> None:
    path, said = problem_of('{\n  "id": ')
    assert path.startswith("line 2")
    assert "Expecting value" in said


def test_a_key_that_stands_twice_is_refused() -> None:
    assert "'id' twice" in problem_of('{"id": "a", "id": "b"}')[1]


def test_bad_yaml_is_named_with_its_line() -> None:
    path, said = problem_of("id: a\nname: [b\nsymbol: c\n", "a.yml")
    assert path.startswith("line 3")
    assert "no YAML" in said


def test_yaml_aliases_and_objects_are_not_read() -> None:
    assert "aliases" in problem_of("a: &x [1]\nb: *x\n", "a.yaml")[1]
    problem_of("!!python/object/apply:os.system ['true']", "a.yaml")


def test_what_is_no_object_is_refused() -> None:
    for text in ("[]", "1", '"a"', "null", "[" * 100_000):
        assert problem_of(text)[0] == ""


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(
    changes=st.dictionaries(
        st.sampled_from(["id", "name", "symbol", "symbols", "nodes", "edges", "settings", "version"]),
        json_values,
        max_size=3,
    ),
    node_config=st.dictionaries(st.text(max_size=8), json_values, max_size=3),
    number=st.integers(0, 6),
)
@settings(max_examples=150, deadline=None)
def test_any_json_is_a_pipeline_or_names_its_problems(
    changes: dict[str, object], node_config: dict[str, object], number: int
) -> None:
    data = make_data()
    nodes = data["nodes"]
    assert isinstance(nodes, list)
    nodes[number]["config"] = node_config
    config = outcome({**data, **changes})
    if config is not None:
        assert all(problem.expected for problem in check(config))


@given(text=st.text(max_size=60))
@settings(max_examples=150, deadline=None)
def test_any_text_is_refused_with_a_problem(text: str) -> None:
    for load in (load_json, load_yaml):
        with pytest.raises(InvalidInput):
            load(text)


def outcome(data: object) -> PipelineConfig | None:
    try:
        return parse_config(data)
    except InvalidInput as invalid:
        problems = invalid.problems
    assert problems
    return None
