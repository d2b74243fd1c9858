"""Reading manifests: what is taken, and what is told of what is not."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from hypothesis import given, strategies as st

from tenx_async import EnvVar, InvalidManifest, InvalidSpec, Memory
from tenx_async.fleet.declared import Manifest
from tenx_async.fleet.manifest import parse_manifest, read_manifest

ROOT = Path(__file__).parents[2]
WEB = "- name: web\n  containers:\n  - image: a/web:1\n"

UNKNOWN = "not in the API's document, but sent"


def parsed(text: str | bytes, **environ: str) -> Manifest:
    """A manifest of a text."""
    return parse_manifest(text, "fleet.yaml", environ)


def complaints(text: str | bytes, **environ: str) -> list[str]:
    """All that is wrong with a text."""
    with pytest.raises(InvalidManifest) as caught:
        parsed(text, **environ)
    return list(caught.value.complaints)


@pytest.mark.parametrize(
    "text",
    [
        WEB,
        f"services:\n{WEB}",
        f"---\n{WEB}---\n",
        "name: web\ncontainers: [{image: a/web:1}]\n",
        '[{"name":\t"web",\n\t"containers": [{"image": "a/web:1"}]}]',
        '{"region": "us", "services": [{"name": "web", "containers": [{"image": "a/web:1"}]}]}',
        "x-c: &c [{image: a/web:1}]\nservices: [{name: web, containers: *c}]\n",
        "services: [{<<: {name: nobody}, name: web, containers: [{<<: [{image: a/web:1}]}]}]\n",
    ],
)
def test_services_are_listed_in_several_ways(text: str) -> None:
    """YAML or JSON; a list, an object with `services`, or one service."""
    (web,) = parsed(text).services

    assert ("web", "a/web:1") == (web.name, web.spec.containers[0].image)


def test_several_documents_are_one_manifest() -> None:
    """In the order in which they stand."""
    manifest = parsed(f"{WEB}---\nservices:\n{WEB.replace('web', 'api')}")

    assert ["web", "api"] == [service.name for service in manifest.services]


@pytest.mark.parametrize("text", ["0512", "yes", "22:22", "2015-12-29", "1_000", "on", "0x1F"])
def test_what_is_no_number_is_a_text(text: str) -> None:
    """Of these, YAML 1.1 would make numbers, truths and days."""
    (web,) = parsed(f"{WEB}    env: [{{name: A, value: {text}}}]").services

    assert (EnvVar("A", text),) == web.spec.containers[0].env


@pytest.mark.parametrize("written", ["512", "'512'", "512Mi", "0.5Gi", "0512"])
def test_memory_has_the_forms_of_the_api(written: str) -> None:
    """Short, or nested as in the document."""
    nested = f"{WEB}    resources: {{limits: {{memory: {written}}}}}"
    for text in (f"{WEB}    memory: {written}", nested):
        (web,) = parsed(text).services
        assert Memory.parse("512Mi") == web.spec.containers[0].memory


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("${A}", "x y"),
        ("a${A}b${A}", "ax ybx y"),
        ("$${A}", "${A}"),
        ("$A", "$A"),
        ("$$${A}", "$${A}"),
    ],
)
def test_variables_stand_for_the_environment(written: str, value: str) -> None:
    """Within texts, as often as they are written; two signs stand for one."""
    (web,) = parsed(f"{WEB}    env: [{{name: N, value: '{written}'}}]", A="x y").services

    assert value == web.spec.containers[0].env[0].value


def test_what_a_variable_holds_is_not_yaml() -> None:
    """No value of the environment can add a field."""
    (web,) = parsed(f"{WEB}  target_instance_size: '${{N}}'\n    ".rstrip(), N="3").services
    (other,) = parsed(f"{WEB}    command: ['${{C}}']", C="a, b]\nx: ${N}").services

    assert 3 == web.spec.target_instance_size
    assert ("a, b]\nx: ${N}",) == other.spec.containers[0].command


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "1: there is nothing in it; `services: []` declares none"),
        ("---\n---\n", "1: there is nothing in it; `services: []` declares none"),
        ("a: [", "1: while parsing a flow node"),
        ("\n- a\nb: c\n", "3: while parsing a block collection"),
        ("a\n\x01", "2: a character that YAML does not allow"),
        (b"a\n\xff", "2: not text in UTF-8"),
        ("[" * 5000, "1: "),
        ("- " * 60 + "a", "1: more than 50 levels deep"),
        ("servces: []", "1: expected a list of services"),
        ("services: 5", "1: expected a list of services"),
        ("? [a]\n: b\nservices: 1", "3: expected a list of services"),
        ("- 5", "1: expected a service"),
        ("- \n", "1: expected a service"),
        ("- &a {name: *a}", "1: name: refers to itself"),
        ("- {name: w, 5: x}", "1: a key that is not a text"),
        ("- {name: w, containers: [{image: !!binary aGk=}]}", "values of the kind binary"),
        (
            "- {name: w, containers: !!python/object/apply:os.system [ls]}",
            "values of the kind python",
        ),
        ("- {name: W, containers: [{image: a}]}", "1: name: 'W' is not a service name"),
        ("- {containers: [{image: a}]}", "1: name: is missing"),
        ("- {name: [w], containers: [{image: a}]}", "1: name: ['w'] is not a service name"),
        ("- {name: w}", "1: containers: is missing"),
        ("- {name: w, containers: []}", "1: containers: a service needs at least one"),
        ("- {name: w, containers: x}", "1: containers: expected a list, got a text"),
        ("- {name: w, region: a/b, containers: [{image: a}]}", "1: region: not a name of a region"),
        (f"{WEB}    memory: lots", "4: containers[0].memory: 'lots' is not an amount of memory"),
        (f"{WEB}    memory: [1]", "4: containers[0].memory: a list is not an amount of memory"),
        (
            f"{WEB}    resources: {{limits: {{memory: -1}}}}",
            "4: containers[0].resources.limits.memory",
        ),
        (f"{WEB}    memory: 1Gi\n    resources: {{}}", "4: containers[0].memory: given twice"),
        (f"{WEB}    ports: [80]", "4: containers[0].ports[0]: expected an object, got a number"),
        (
            f"{WEB}    ports:\n    - port: 0",
            "5: containers[0].ports[0].port: 0 is not from 1 to 65535",
        ),
        (
            f"{WEB}    ports: [{{port: 1, containerPort: 2}}]",
            "containerPort: given twice, also as port",
        ),
        (f"{WEB}    ports: [{{protocol: TCP}}]", "4: containers[0].ports[0].port: is missing"),
        (f"{WEB}    image: b", "4: containers[0].image: given twice"),
        (f"{WEB}    env: {{A: b}}", "4: containers[0].env: expected a list, got an object"),
        (
            f"{WEB}    env: [{{name: A, value: 5}}]",
            "env[0].value: expected a text: write it in quotes",
        ),
        (
            f"{WEB}    command: [a, {{}}]",
            "4: containers[0].command[1]: expected a text, got an object",
        ),
        (f"{WEB}  target_instance_size: -1", "4: target_instance_size: -1 is not from 0"),
        (f"{WEB}  target_instance_size: 1.5", "4: target_instance_size: 1.5 is not a whole number"),
        (
            f"{WEB}  target_instance_size: true",
            "4: target_instance_size: True is not a whole number",
        ),
        (f"{WEB}  port_mappings: [{{container_port: http}}]", "'http' is not a whole number"),
        (
            f"{WEB}  volumes: [{{name: v, is_read_only: maybe}}]",
            "'maybe' is neither true nor false",
        ),
        (
            f"{WEB}  port_mappings: [{{protocol: tcp}}]",
            "[0].container_port: is missing",
        ),
        (f"{WEB}  volumes: [{{disk_name: d}}]", "4: volumes[0].name: is missing"),
        (f"{WEB}    volumeMounts: [{{name: d}}]", "volumeMounts[0].mountPath: is missing"),
        (f"{WEB}    env: [{{name: '', value: x}}]", "4: containers[0].env[0].name: is empty"),
        (f"{WEB}    env: [{{name: 'A=B'}}]", "env[0].name: holds a '='"),
        (f'{WEB}    command: ["\\0"]', "4: containers[0].command[0]: holds a NUL character"),
        (f"{WEB}  binding_domain_name: ['']", "4: binding_domain_name[0]: is empty"),
        (f"{WEB}  depends_on: web", "4: depends_on: expected a list of names"),
        (
            f"{WEB}  depends_on: [wbe]",
            "4: depends_on[0]: no service 'wbe' is declared; did you mean 'web'",
        ),
        (f"{WEB}  depends_on: [web]", "4: depends_on[0]: goes in a circle: web -> web"),
        (f"{WEB}{WEB}", "4: name: 'web' is declared already, in line 1"),
        (f"{WEB}    env: [{{name: A, value: '${{NOPE}}'}}]", "the variable NOPE is not set"),
        (f"{WEB}    command: ['${{A:-b}}']", "not a variable such as ${NAME}"),
        (f"{WEB}    command: ['${{A']", "not a variable such as ${NAME}"),
        (
            "- {name: w, containers: [{imgae: a}]}",
            "containers[0].imgae: not in the API's document; did",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str | bytes, expected: str) -> None:
    """File, line, field, and what it should be."""
    told = complaints(text)

    assert all(line.startswith("fleet.yaml:") for line in told)
    assert [line for line in told if expected in line.removeprefix("fleet.yaml:")], told


def test_everything_that_is_wrong_is_told_at_once() -> None:
    """In the order of the lines; the error is an invalid specification like any other."""
    text = f"{WEB}    memory: lots\n  depends_on: [api]\n- name: api\n  depends_on: [web, db]\n"

    told = complaints(text)

    assert [4, 5, 6, 7] == [int(line.split(":")[1]) for line in told]
    assert "goes in a circle: web -> api -> web" in told[1] or "api -> web -> api" in told[3]
    with pytest.raises(InvalidSpec, match=r"4: containers\[0\].memory: .*; fleet.yaml:5: "):
        parsed(text)


def test_a_missing_variable_is_one_complaint() -> None:
    """What it would have been is not missed as well."""
    text = "- {name: '${A}', containers: [{image: '${B}'}]}"

    assert ["name", "containers[0].image"] == [line.split(": ")[1] for line in complaints(text)][
        ::-1
    ]


@pytest.mark.parametrize(
    "text",
    [
        "- {name: '${S}', containers: [{image: a}]}",
        f"{WEB}    memory: '${{S}}'",
        f"{WEB}    ports: [{{port: '${{S}}'}}]",
        f"{WEB}  target_instance_size: '${{S}}'",
        f"{WEB}  volumes: [{{is_read_only: '${{S}}'}}]",
        f"{WEB}  depends_on: ['${{S}}']",
        f"{WEB}  region: '${{S}}'",
        f"{WEB}    env: [{{name: A, value: '${{S}}'}}]\n    memory: lots",
    ],
)
def test_no_complaint_shows_what_a_variable_holds(text: str) -> None:
    """It may be a password that stands in the wrong place."""
    assert "hunter2" not in "".join(complaints(text, S="hunter2 /"))


def test_a_manifest_shows_no_secret() -> None:
    """Not even to a debugger."""
    text = f"{WEB}    env: [{{name: A, value: '${{S}}'}}]\n    command: [-p, '${{S}}']"

    assert "hunter2" not in repr(parsed(text, S="hunter2"))


def test_unknown_keys_are_told_and_taken() -> None:
    """They may be slips, or newer than the document."""
    manifest = parsed(f"version: 1\nservices:\n{WEB}    comand: [a]\n  colour: red")

    assert [
        "fleet.yaml:1: version: not known here, left out",
        f"fleet.yaml:6: containers[0].comand: {UNKNOWN}; did you mean command?",
        f"fleet.yaml:7: colour: {UNKNOWN}",
    ] == sorted(manifest.warnings)
    assert "red" == manifest.services[0].spec.extra["colour"]


def test_what_the_server_sets_is_not_sent() -> None:
    """What was listed can be declared as it is."""
    (warning,) = parsed(f"{WEB}  uid: '5'\n  status: Running").warnings

    assert "fleet.yaml: set by the server, not sent: status, uid" == warning


def test_a_text_that_grows_without_end_is_refused() -> None:
    """A few lines that refer to each other a billion times."""
    layers = [f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9)}]" for n in range(1, 10)]
    text = "\n".join(["x0: &x0 [a]", *layers, "services:", f"{WEB}  extra: *x9"])

    assert ["fleet.yaml:12: more than 100,000 values"] == complaints(text)


@given(st.text())
def test_any_text_is_a_manifest_or_an_error(text: str) -> None:
    """Nothing else comes out."""
    with suppress(InvalidManifest):
        parsed(text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["name", "containers", "image", "memory", "env", "ports", "volumes"]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=20,
    )
)
def test_any_shape_is_a_manifest_or_an_error(value: object) -> None:
    """Whatever stands where something else is expected."""
    with suppress(InvalidManifest):
        parsed(yaml.safe_dump([{"name": "web", "containers": [value]}, value]))


def test_the_example_is_read() -> None:
    """Without a warning."""
    manifest = read_manifest(ROOT / "examples" / "fleet.yaml", {"SHOP_DB_PASSWORD": "x"})

    assert ((), ["shop-db", "shop-web"]) == (manifest.warnings, [s.name for s in manifest.services])
