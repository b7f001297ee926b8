"""A notebook, run from first cell to last in a process of its own, and the page that is made of it.

Both are the same bytes each time: what depends on the moment or on the machine is left out.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbformat import NotebookNode

#: The policy lets the page load nothing from anywhere: all that it shows is in it.
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""


def execute(template: Path, variables: Mapping[str, str]) -> NotebookNode:
    """The notebook with its outputs, run by papermill beside the template, with these environment variables.

    Ends the step with the error of the first cell that fails.
    """
    with tempfile.TemporaryDirectory() as scratch:
        # Jupyter writes into HOME, which a step may not. Its names count towards the 107 bytes of a socket's path.
        places = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
        os.environ.update({name: f"{scratch}/{number}" for number, name in enumerate(places)} | dict(variables))
        from papermill.exceptions import PapermillExecutionError
        from papermill.execute import execute_notebook
        from traitlets.config import Config

        try:
            done = execute_notebook(
                template,
                f"{scratch}/done.ipynb",
                kernel_name="python3",
                cwd=template.parent,
                progress_bar=False,
                start_timeout=600,  # on a machine with other work, starting takes a minute
                # The kernel is spoken to through sockets in the file system: a step has no network, not even to itself.
                # `ip` is how their paths begin; without it they would lie beside the code, where a step may not write.
                config=Config({"ConnectionFileMixin": {"transport": "ipc", "ip": f"{scratch}/socket"}}),
            )
        except PapermillExecutionError as error:
            sys.exit(f"{template.name}, cell {error.cell_index + 1}: {error.ename}: {error.evalue}")
    return clean(done)


def clean(notebook: NotebookNode) -> NotebookNode:
    """Without times, versions and warnings, in place: those of the same results are the same."""
    notebook.metadata = type(notebook.metadata)(
        kernelspec={"name": "python3", "display_name": "Python 3", "language": "python"},
        language_info={"name": "python", "file_extension": ".py", "mimetype": "text/x-python"},
    )
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
        cell.metadata = type(cell.metadata)()
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    return notebook


def write(notebook: NotebookNode, path: Path) -> None:
    import nbformat

    nbformat.validate(notebook)
    nbformat.write(notebook, path)


def page(notebook: NotebookNode, style: str) -> str:
    """One HTML file that needs nothing else: the texts and outputs, without the code."""
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(
        template_name="basic", exclude_input=True, exclude_output_prompt=True, exclude_anchor_links=True
    )
    body, _ = exporter.from_notebook_node(notebook)
    first = re.search(r"^# (.+)$", notebook.cells[0].source, re.MULTILINE)
    return PAGE.format(title=first[1] if first else "Report", style=style, body=body.strip())
