# How lit runs the tests of this folder and of tests/garbage. `run` passes the build: netc's folder, LLVM's tools.
import os
import shutil
import subprocess

import lit.formats

config.name = "netc"
config.test_format = lit.formats.ShTest(execute_external=True)
config.suffixes = [".test", ".net"]
config.excludes = ["lit.cfg.py"]

here = os.path.dirname(os.path.abspath(__file__))
build = lit_config.params["build"]
config.test_source_root = os.path.join(os.path.dirname(here), lit_config.params["suite"])
config.test_exec_root = os.path.join(build, "tests", lit_config.params["suite"], "output")
config.environment["PATH"] = os.pathsep.join(
    [build, here, lit_config.params["llvm"], os.environ["PATH"]]
)
config.environment["TOP"] = os.path.dirname(os.path.dirname(here))
for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "OMP_WAIT_POLICY"):
    if name in os.environ:
        config.environment[name] = os.environ[name]
# A fresh folder to work in; a file of sessions (session.py)
config.substitutions.append(("%fresh", "rm -rf %t && mkdir -p %t && cd %t"))
config.substitutions.append(("%session", f"python3 {here}/session.py %s %t.d"))
# What tests may ask for (REQUIRES): numpy in the python3 that they run
if not subprocess.run(["python3", "-c", "import numpy"], stderr=subprocess.DEVNULL).returncode:
    config.available_features.add("numpy")
# … and gnuplot with Graphviz
if shutil.which("gnuplot") and shutil.which("dot"):
    config.available_features.add("gnuplot")
# … and the record of runs
with open(os.path.join(build, "config.h")) as config_h:
    if "#define HAVE_SQLITE 1" in config_h.read():
        config.available_features.add("sqlite")
