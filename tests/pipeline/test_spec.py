"""Specs as people write them: what is accepted, what it means, and what an error says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pedigree.errors import InvalidInput, InvalidSpec, MissingExtra
from pedigree.pipeline import jsonnet, reference, spec
from pedigree.pipeline.model import (
    CodeSpec,
    Combined,
    CronInput,
    Egress,
    PfsInput,
    Pipeline,
    Resources,
    Service,
    Spout,
    Trigger,
)
from pedigree.pipeline.spelling import camel, names

HEAD = "pipeline: {name: p}\ntransform: {cmd: [python, x.py]}\n"
READ = "input: {pfs: {repo: r, glob: /*}}\n"


def one(text: str) -> Pipeline:
    (found,) = spec.parse(text, "f.yaml")
    return found


def test_a_full_spec_of_pachyderm_2_means_what_its_reference_says() -> None:
    """Every field that matters on one machine. Break: swap any two fields in effective.py."""
    found = one("""
pipeline: {name: montage, project: default}
description: pictures
metadata: {labels: {team: vision}, annotations: {a: b}}
transform:
  cmd: [sh]
  stdin: [echo hello, exit 3]
  image: dpokidov/imagemagick
  env: {A: "1"}
  secrets: [{name: s, key: k, env_var: S}, {name: t, mount_path: /secret}]
  err_cmd: ["true"]
  err_stdin: [x]
  accept_return_code: [3]
  working_dir: /work
  user: nobody
input:
  cross:
  - pfs: {repo: images, glob: "/(*).png", branch: dev, join_on: $1, outer_join: true,
          group_by: $0, lazy: true}
  - cron: {name: tick, spec: "@every 60s", overwrite: true, start: "2026-01-01T00:00:00Z"}
  - pfs: {repo: edges, name: e, glob: /, empty_files: true, reference: true, propagation_spec: {never: true}}
parallelism_spec: {constant: 4}
datum_set_spec: {number: 10, size_bytes: 20, per_worker: 30}
datum_timeout: 1m30s
job_timeout: 2h
datum_tries: 5
reprocess_spec: every_job
salt: abc
output_branch: staging
egress: {URL: "s3://bucket/dir"}
autoscaling: true
resource_requests: {cpu: 0.5}
resource_limits: {cpu: 500m, memory: 64Mi, disk: 1G, gpu: {type: nvidia.com/gpu, number: 1}}
""")
    assert found.transform.cmd == ("sh",)
    assert found.transform.stdin == ("echo hello", "exit 3")
    assert found.transform.env == {"A": "1"}
    assert [(s.name, s.key, s.env_var, s.mount_path) for s in found.transform.secrets] == [
        ("s", "k", "S", ""),
        ("t", "", "", "/secret"),
    ]
    assert (found.transform.err_cmd, found.transform.err_stdin) == (("true",), ("x",))
    assert (found.transform.accept_return_code, found.transform.user) == ((3,), "nobody")
    assert found.transform.working_dir == "/work"
    images = PfsInput("images", "images", "dev", "/(*).png", "$1", True, "$0", True)
    tick = CronInput("tick", "montage_tick", "@every 60s", "2026-01-01T00:00:00Z", True)
    edges = PfsInput("e", "edges", glob="/", empty_files=True, reference=True, propagate=False)
    assert found.input == Combined("cross", (images, tick, edges))
    assert found.metadata == {"labels": {"team": "vision"}, "annotations": {"a": "b"}}
    assert (found.description, found.parallelism, found.datum_tries) == ("pictures", 4, 5)
    assert found.datum_set_spec is not None
    chunk = found.datum_set_spec
    assert (chunk.number, chunk.size_bytes, chunk.per_worker) == (10, 20, 30)
    assert (found.datum_timeout_s, found.job_timeout_s) == (90, 7200)
    assert (found.reprocess, found.salt, found.output_branch) == ("every_job", "abc", "staging")
    assert (found.egress, found.autoscaling) == (Egress("s3://bucket/dir"), True)
    assert found.resource_limits == Resources(0.5, 64 * 2**20, 10**9, 1, "nvidia.com/gpu")
    assert found.resource_requests == Resources(cpu=0.5)
    assert found.ignored == {"pipeline.project": "default", "transform.image": "dpokidov/imagemagick"}


def test_camel_case_json_means_the_same_as_snake_case_yaml() -> None:
    """Break: rename keys inside `env` too, or only at the top level."""
    snake = one(
        HEAD.replace("x.py]", "x.py], accept_return_code: [1], env: {my_key: v, myKey: w}")
        + "input: {join: [{pfs: {repo: r, glob: /*, join_on: $1, outer_join: true}}]}\n"
        "datum_tries: 2\nresource_limits: {memory: 1Mi}\nparallelism_spec: {constant: 3}\ndatum_timeout: 5s"
    )
    other = one(
        json.dumps(
            {
                "pipeline": {"name": "p"},
                "transform": {
                    "cmd": ["python", "x.py"],
                    "acceptReturnCode": ["1"],
                    "env": {"my_key": "v", "myKey": "w"},
                },
                "input": {"join": [{"pfs": {"repo": "r", "glob": "/*", "joinOn": "$1", "outerJoin": True}}]},
                "datumTries": "2",
                "resourceLimits": {"memory": "1Mi"},
                "parallelismSpec": {"constant": "3"},
                "datumTimeout": "5s",
            }
        )
    )
    assert snake == other


def test_spellings_of_pachyderm_1_are_read() -> None:
    """Break: drop the aliases from the schema."""
    found = one(
        HEAD
        + "input: {atom: {repo: r, glob: /}}\nstandby: true\nchunk_spec: {number: 3}\nenable_stats: true\n"
        + "resource_spec: {memory: 1G, gpu: 1}\nspout: null\nscale_down_threshold: 600s\n"
        + "parallelism_spec: {strategy: CONSTANT, constant: '2'}"
    )
    assert found.input == PfsInput("r", "r", glob="/")
    assert found.autoscaling
    assert found.datum_set_spec is not None
    assert found.resource_requests == Resources(memory_bytes=10**9, gpu=1)
    assert found.parallelism == 2
    assert found.ignored == {
        "enable_stats": True,
        "scale_down_threshold": "600s",
        "parallelism_spec.strategy": "CONSTANT",
    }


@pytest.mark.parametrize("project", ["default", "{name: default}"])
def test_a_project_is_a_name_or_pachyderms_message(project: str) -> None:
    """The documentation has the one, `pachctl list pipeline --spec` prints the other. Break: take text only."""
    found = one(HEAD.replace("{name: p}", f"{{project: {project}, name: p}}") + READ)
    assert (found.name, found.ignored) == ("p", {"pipeline.project": "default"})


def test_fields_of_kubernetes_are_kept_and_told() -> None:
    """Break: drop them on reading."""
    found = one(HEAD + READ + "tolerations: [{key: k}]\npod_patch: '[]'\nscheduling_spec: {node_selector: {a: b}}")
    assert found.ignored == {
        "tolerations": [{"key": "k"}],
        "pod_patch": "[]",
        "scheduling_spec": {"node_selector": {"a": "b"}},
    }
    told = spec.notes(found)
    assert len(told) == 3
    assert "tolerations has no effect here" in told[2]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("", CodeSpec()),
        ("code: auto", CodeSpec()),
        ("code: none", CodeSpec(files=())),
        ("code: [a.py, lib/**]", CodeSpec(files=("a.py", "lib/**"))),
        ("code: {include: [data.json], root: ..}", CodeSpec(None, ("data.json",), "..")),
        ("code: {files: auto}", CodeSpec()),
    ],
)
def test_code_is_automatic_none_or_listed(code: str, expected: CodeSpec) -> None:
    assert one(HEAD + READ + code).code == expected


def test_spouts_and_services() -> None:
    spout = one(HEAD + "spout: {service: {internal_port: 80, external_port: 8080}}")
    assert (spout.spout, spout.kind, spout.input) == (Spout(Service(80, 8080)), "spout", None)
    service = one(HEAD + "input: {pfs: {repo: r, glob: /}}\nservice: {internal_port: 80}")
    assert (service.service, service.kind) == (Service(80, 80), "service")


def test_a_trigger_without_a_branch_gets_a_branch_of_its_own_counted_per_repository() -> None:
    """Break: count from 0, or over all repositories."""
    operand = "{pfs: {repo: %s, name: %s, glob: /, trigger: {size: 1K}}}"
    inputs = ", ".join(operand % pair for pair in (("r", "a"), ("r", "b"), ("q", "c")))
    found = one(HEAD + f"input: {{cross: [{inputs}]}}")
    leaves = list(found.leaves())
    assert [leaf.branch for leaf in leaves] == ["p-trigger-1", "p-trigger-2", "p-trigger-1"]
    assert leaves[0].trigger == Trigger(branch="master", size="1K")


@pytest.mark.parametrize(
    ("text", "line", "field", "message", "remedy"),
    [
        (HEAD + "inptu: {}\n" + READ, 3, "inptu", "there is no field 'inptu'", "Did you mean input?"),
        (
            HEAD + "input:\n  pfs:\n    repo: r\n    globb: /",
            6,
            "input.pfs.globb",
            "no field 'globb' in",
            "glob?",
        ),
        (HEAD + READ + "DatumTimeOut: 5s\ndatumTimeout: 5s", 4, "DatumTimeOut", "no field", "datum_timeout?"),
        (HEAD + READ + "datum_tries: 1\ndatumTries: 2", 5, "datum_tries", "written twice", "Keep one"),
        (HEAD + READ + "datum_tries: many", 4, "datum_tries", "must be a whole number, got", "Meaning"),
        (HEAD + READ + "datum_tries:\n\n  many", 4, "datum_tries", "a whole number", ""),
        (HEAD + READ + "datum_tries: 0", 4, "datum_tries", "at least 1", ""),
        (HEAD + READ + "datum_timeout: 5", 4, "datum_timeout", "must be text, got 5", "quotes"),
        (HEAD + READ + "datum_timeout: soon", 4, "datum_timeout", "a duration above zero", ""),
        (HEAD + READ + "reprocess_spec: sometimes", 4, "reprocess_spec", "until_success or every_job", ""),
        (HEAD + READ + "resource_limits: {memory: lots}", 4, "resource_limits.memory", "a size above", ""),
        (HEAD + READ + "egress: {url: 'gs://x'}", 4, "egress", "file:// or s3://", ""),
        (HEAD + READ + "egress: {url: 'file://out/x'}", 4, "egress", "no folder of this machine", "file:///out/x"),
        (HEAD + READ + "egress: {url: 's3:///x'}", 4, "egress", "names no bucket", "s3://BUCKET/"),
        (HEAD + READ + "s3_out: true", 4, "s3_out", "no S3 gateway", "Remove s3_out"),
        (HEAD + READ + "spout: {}", 3, "input", "a spout has no input", ""),
        (HEAD, 1, "input", "input is missing", "pfs"),
        (HEAD + "input: {}", 3, "input", "exactly one of", ""),
        (HEAD + "input: {pfs: {repo: r, glob: /}, cross: []}", 3, "input", "got pfs, cross", ""),
        (HEAD + "input: {cross: []}", 3, "input.cross", "no operands", ""),
        (HEAD + "input: {pfs: {repo: r}}", 3, "input.pfs", "glob is missing", "/*"),
        (HEAD + "input: {pfs: {glob: /}}", 3, "input.pfs.repo", "repo is missing", "Add"),
        (HEAD + "input: {pfs: {repo: r, glob: '/[a'}}", 3, "input.pfs.glob", "glob", ""),
        (HEAD + "input: {pfs: {repo: r, glob: /, s3: true}}", 3, "input.pfs.s3", "S3 gateway", ""),
        (HEAD + "input: {pfs: {repo: r, glob: /, commit: a}}", 3, "input.pfs.commit", "not supported", ""),
        (HEAD + "input: {pfs: {repo: p, glob: /}}", 3, "input", "reads its own output", ""),
        (HEAD + "input: {cron: {name: t, spec: '* *'}}", 3, "input.cron.spec", "five fields", "@daily"),
        (
            HEAD + "input: {cron: {name: t, spec: '@daily', start: now}}",
            3,
            "input.cron.start",
            "RFC 3339",
            "",
        ),
        (HEAD + "input: {pfs: {repo: r, glob: /, trigger: {}}}", 3, "input.pfs.trigger", "needs a cond", ""),
        ("pipeline: {name: -p}\n" + HEAD[20:] + READ, 1, "pipeline.name", "no sign in front", ""),
        ("pipeline: {name: " + "p" * 52 + "}\n" + HEAD[20:] + READ, 1, "pipeline.name", "1 to 51", ""),
        ("pipeline: {name: p}\ntransform: {cmd: []}\n" + READ, 2, "transform.cmd", "is empty", ""),
        (
            "pipeline: {name: p}\ntransform: {cmd: [a], user: 'a b'}\n" + READ,
            2,
            "transform.user",
            "'a b' is no user",
            "1000:100",
        ),
        ("pipeline: {name: p}\ntransform: {cmd: ls -l}\n" + READ, 2, "transform.cmd", "a list", "[ls, -l]"),
        (
            "pipeline: {name: p}\ntransform:\n  cmd: [a]\n  env:\n    FOO: 3\n" + READ,
            5,
            "transform.env.FOO",
            "",
            '"3"',
        ),
        (
            "pipeline: {name: p}\ntransform: {cmd: [a], datum_batching: true}\n" + READ,
            2,
            "",
            "not supported",
            "",
        ),
        (HEAD + "service: {internal_port: 1}\n" + READ, 4, "input", "glob of input 1 must be /", ""),
        ("size: 3\nthreads: 2", 1, "", "no pipeline spec: it has none of its fields, but size", "Begin with"),
        ("name: p", 1, "", "no pipeline spec", "Begin with pipeline: {name"),
        (HEAD + READ + "qqq: 1", 4, "qqq", "there is no field", "spec.md lists"),
        ("- 3", 1, "", "a pipeline spec is a mapping, got 3", ""),
        ("", 1, "", "no pipeline spec", ""),
    ],
)
def test_an_error_names_file_line_field_and_remedy(text: str, line: int, field: str, message: str, remedy: str) -> None:
    """Break: point at the value's first line instead of the key's, or take pydantic's own message."""
    with pytest.raises(InvalidSpec) as caught:
        spec.parse(text, "f.yaml")
    error = caught.value
    assert error.message.startswith(f"f.yaml:{line}: ")
    assert message in error.message
    assert field in (error.objects["field"], "")
    assert (error.objects["file"], error.objects["line"]) == ("f.yaml", line)
    assert error.remedy
    assert remedy in error.remedy


def test_all_mistakes_of_a_spec_are_told_at_once_in_the_order_of_their_lines() -> None:
    """Break: stop at the first."""
    with pytest.raises(InvalidSpec) as caught:
        one("pipeline: {name: p}\ntransform: {cmd: x}\nfoo: 1\ninput: {pfs: {repo: r, glob: 3}}")
    assert [problem.line for problem in caught.value.objects["problems"]] == [2, 3, 4]


def test_each_of_several_mistakes_comes_with_its_remedy() -> None:
    """Break: tell the remedy of the first alone."""
    with pytest.raises(InvalidSpec) as caught:
        spec.parse("pipeline: {name: p}\ninptu: {}\ntransform: {cmd: ls -l, immage: x}", "f.yaml")
    assert caught.value.message.splitlines() == [
        "f.yaml:2: there is no field 'inptu'. Did you mean input?",
        'f.yaml:3: transform.cmd must be a list, got "ls -l". Write a list of words: [ls, -l].',
        "f.yaml:3: there is no field 'immage' in transform. Did you mean image?",
    ]
    assert caught.value.remedy


def test_false_written_out_for_a_refused_field_is_no_mistake() -> None:
    """Exported specs write every field. Break: refuse the field's presence instead of its value."""
    assert one(HEAD + "input: {pfs: {repo: r, glob: /, s3: false}}\ns3_out: false").name == "p"


def test_the_base_is_the_folder_of_the_file_relative_to_the_project(tmp_path: Path) -> None:
    """Break: relative to the working directory."""
    folder = tmp_path / "specs" / "deep"
    folder.mkdir(parents=True)
    (folder / "a.yaml").write_text(HEAD + READ)
    (tmp_path / "b.yaml").write_text(HEAD + READ)
    assert spec.load(folder / "a.yaml", project=tmp_path)[0].base == "specs/deep"
    assert spec.load(tmp_path / "b.yaml", project=tmp_path)[0].base == ""


def test_a_template_gets_its_arguments_as_text(tmp_path: Path) -> None:
    """One spec or a list of them. Break: parse arguments as code."""
    pytest.importorskip("rjsonnet")
    path = tmp_path / "t.jsonnet"
    path.write_text("""
function(name, count='2') [{
  pipeline: {name: name + '-' + i}, transform: {cmd: ['echo', count]},
  input: {pfs: {repo: 'r', glob: '/*'}},
} for i in std.range(1, std.parseInt(count))]
""")
    found = spec.load(path, {"name": "n", "count": "3"})
    assert [item.name for item in found] == ["n-1", "n-2", "n-3"]
    assert found[0].transform.cmd == ("echo", "3")
    with pytest.raises(InvalidSpec, match="cannot be evaluated") as caught:
        spec.load(path, {"nam": "n"})
    assert "--arg" in str(caught.value.remedy)


def test_without_the_extra_a_template_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Break: let the ImportError through."""
    import sys

    monkeypatch.setitem(sys.modules, "rjsonnet", None)
    with pytest.raises(MissingExtra, match="not installed") as caught:
        jsonnet.render("x.jsonnet", {})
    assert caught.value.remedy == "pip install 'pedigree-ml[jsonnet]'"


def test_arguments_for_a_spec_that_is_no_template_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(HEAD + READ)
    with pytest.raises(InvalidInput, match="not a Jsonnet template"):
        spec.load(tmp_path / "a.yaml", {"name": "n"})


def test_the_reference_page_is_written_from_the_schema() -> None:
    """Break: add a field to schema.py. `python -m pedigree.pipeline.reference` prints the page anew."""
    path = Path(__file__).parents[2] / "docs" / "reference" / "spec.md"
    assert path.read_text() == reference.page()


def test_no_two_fields_of_one_mapping_share_a_spelling() -> None:
    """Break: give a field an alias that another has."""
    for _, model in reference._models():
        spellings = [
            spelling
            for name, info in model.model_fields.items()
            for alias in [name, *info.json_schema_extra["aliases"]]  # type: ignore[index,misc]
            for spelling in {alias, camel(alias)}
        ]
        assert len(spellings) == len(set(spellings)) == len(names(model))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("datum_tries: true", "datum_tries must be a whole number, got true"),
        ("datum_tries: 2.5", "datum_tries must be a whole number, got 2.5"),
        ("network: 1", "network must be true or false, got 1"),
        ("network: 'yes'", 'network must be true or false, got "yes"'),
        ("resource_limits: {gpu: true}", "resource_limits.gpu must be a mapping, got true"),
    ],
)
def test_no_value_is_read_as_another_type(line: str, said: str) -> None:
    """Break: derive the models of specs from pydantic's own class; true is then 1 try."""
    text = f"pipeline: {{name: p}}\ninput: {{pfs: {{repo: in, glob: /}}}}\ntransform: {{cmd: [a]}}\n{line}\n"
    with pytest.raises(InvalidSpec, match="spec:4: ") as caught:
        spec.parse(text)
    assert said in str(caught.value)
    for same in ("datum_tries: 2", "datum_tries: '2'", "datum_tries: 2.0"):
        assert spec.parse(text.replace(line, same))[0].datum_tries == 2
