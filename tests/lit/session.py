#!/usr/bin/env python3
"""session.py [--update] FILE FOLDER: plays the sessions of a file and compares what is said.

    === title             a session: begins with an empty folder
    --- t.net             a file in it: the lines up to the next line that begins with ---, $ or ===
    $ netc check t.net    a command for the shell; under it, line by line, all it must say (stdout and stderr)
    t.net:1:5: error: {{.*}}
    ...
    [1]                   its exit code, if that is not 0

{{ }} holds a regular expression; a line of three points stands for any lines; TOP for the folder of the source.
Blank lines at the end of an output do not count. What stands above the first session is passed over.
--update writes what is said into FILE, for a person to read and judge.
"""
import os
import re
import shutil
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def parse(text):
    """Blocks (kind, head, lines), in order; all their lines make up the text."""
    blocks = [("intro", None, [])]
    for line in text.split("\n"):
        head = next((h for h in ("=== ", "--- ", "$ ") if line.startswith(h)), None)
        if head:
            blocks.append((head[0], line[len(head):], []))
        else:
            blocks[-1][2].append(line)
    return blocks


def pattern(lines):
    parts = []
    for line in lines:
        if line == "...":
            parts.append(r"(?:.*\n)*?")
            continue
        pieces = re.split(r"\{\{(.*?)\}\}", line)
        parts.append("".join(f"(?:{p})" if i % 2 else re.escape(p) for i, p in enumerate(pieces)) + r"\n")
    return "".join(parts)


def trim(lines):
    lines = list(lines)
    while lines and not lines[-1].strip():
        lines.pop()
    return lines


def play(command, folder):
    done = subprocess.run(["sh", "-c", command], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=300, env=dict(os.environ, TOP=TOP, LC_ALL="C.UTF-8"))
    said = done.stdout.decode("utf-8", "backslashreplace").replace(TOP, "TOP")
    lines = trim(said.split("\n"))
    return lines + ([f"[{done.returncode}]"] if done.returncode else [])


def main():
    update = sys.argv[1] == "--update"
    path, folder = sys.argv[1 + update:]
    with open(path, encoding="utf-8") as file:
        blocks = parse(file.read())
    title, failed, played = None, 0, 0
    for i, (kind, head, lines) in enumerate(blocks):
        if kind == "=":
            title = head
            shutil.rmtree(folder, ignore_errors=True)
            os.makedirs(folder)
        elif kind == "-":
            with open(os.path.join(folder, head), "w", encoding="utf-8") as file:
                file.write("\n".join(trim(lines)) + "\n")
        elif kind == "$":
            said = play(head, folder)
            played += 1
            wanted = trim(lines)
            if re.fullmatch(pattern(wanted), "".join(line + "\n" for line in said)):
                continue
            failed += 1
            print(f"{path}: {title}\n$ {head}\n-- wanted\n" + "\n".join(wanted) + "\n-- said\n" + "\n".join(said) + "\n")
            blocks[i] = (kind, head, said + lines[len(wanted):])
    if update:
        heads = {"=": "=== ", "-": "--- ", "$": "$ "}
        text = "\n".join("\n".join(([heads[k] + h] if h is not None else []) + lines) for k, h, lines in blocks)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    if not played:
        print(f"{path}: no commands")
    sys.exit(1 if failed or not played else 0)


main()
