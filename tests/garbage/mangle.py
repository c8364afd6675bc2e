#!/usr/bin/env python3
"""mangle.py PROGRAM: netc check on the program cut at some fifty places, and with some hundred bytes changed."""
import random
import subprocess
import sys

with open(sys.argv[1], "rb") as file:
    text = file.read()
draw = random.Random(1)
cases = [text[: len(text) * i // 50] for i in range(50)]
for i in range(100):
    at = draw.randrange(len(text))
    cases.append(text[:at] + draw.choice([b"", b"{", b"}", b"(", b")", b'"', b"\0", b"\xff", b"->", b"#", b"=", b"1"]) +
                 text[at + draw.randrange(2):])
for case in cases:
    with open("case.net", "wb") as file:
        file.write(case)
    done = subprocess.run(["netc", "check", "case.net"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    good = done.returncode == 0 and not done.stdout or done.returncode == 1 and b": error: " in done.stderr
    if not good or b"Sanitizer" in done.stderr or b"runtime error" in done.stderr:
        sys.exit(f"exit code {done.returncode} of case.net, which is kept\n{done.stderr.decode('utf-8', 'replace')}")
