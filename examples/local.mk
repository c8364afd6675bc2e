# Examples are installed beside the documentation, with the folders they have here.
jetsdir = $(docdir)/examples/jets
dist_jets_DATA = examples/jets/README.md examples/jets/jets.net examples/jets/jets.h5 \
  examples/jets/generate_jets.py examples/jets/requirements.txt examples/jets/expected
fashiondir = $(docdir)/examples/fashion
dist_fashion_DATA = examples/fashion/README.md examples/fashion/fashion.net examples/fashion/expected
embeddir = $(docdir)/examples/embed
dist_embed_DATA = examples/embed/README.md examples/embed/build.sh examples/embed/classify.c \
  examples/embed/classify.cpp examples/embed/latency.c examples/embed/netc.py examples/embed/expected
cortexdir = $(embeddir)/cortex_m
dist_cortex_DATA = examples/embed/cortex_m/Makefile examples/embed/cortex_m/link.ld \
  examples/embed/cortex_m/main.c examples/embed/cortex_m/startup.c
# Python finds it where netc.pc says: PYTHONPATH=$(pkg-config --variable=pythondir netc)
dist_pkgdata_DATA = examples/embed/netc.py
pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = examples/embed/netc.pc

EXTRA_DIST += examples/README.md examples/quickstart.sh tests/setup.sh tests/run.sh tests/examples.sh \
  tests/packages.txt
