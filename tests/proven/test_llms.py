"""The plain Markdown of a page, where it shows what is rare on the real pages."""

from tests.conftest import mkdocs_here
from tests.engine.projects import Project

SCRIPT = """# %% fence
print("`" * 3)
print("three marks")
# %% error raises="ValueError"
raise ValueError("wrong") # on purpose | 故意的
# %% device needs="cuda:99"
print("never")
"""
TESTS = '''from snippets.engine.testing import shown


def test_marks() -> None:
    """It prints `marks`.

    它会打印。
    """
    assert "three" in shown("part.fence").output
'''
PAGE = """# Title {#title}

It prints three marks.`#!claim marks`

<!-- a remark -->

```snippet
part.fence
```

```snippet
part.error
```

```snippet
part.device
```
"""
MARKDOWN = """# Title

It prints three marks.

```python
print("`" * 3)
print("three marks")
```

**Output**

````text
```
three marks
````

```python
raise ValueError("wrong") # on purpose
```

**Error · line 1**

```text
ValueError: wrong
```

```python
print("never")
```

This code needs 99 CUDA GPUs, and this build had no CUDA device.

"""


def test_the_markdown_of_a_page_is_what_a_reader_sees(project: Project) -> None:
    project.script, project.tests = SCRIPT, TESTS
    project.pages = {"zh": PAGE, "en": PAGE}
    folder = project.write()
    done = mkdocs_here(folder, "build")
    assert done.returncode == 0, done.stdout
    text = (folder / "site" / "en" / "index.html.md").read_text(encoding="utf-8")
    assert text.startswith(MARKDOWN)
    claims = (folder / "site" / "claims" / "index.html.md").read_text(encoding="utf-8")
    assert claims.startswith("# Claims\n\n- **已证明** 它会打印。 `test_marks`\n")
