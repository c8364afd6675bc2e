# Examples are installed beside the documentation, with the folders they have here.
jetsdir = $(docdir)/examples/jets
dist_jets_DATA = examples/jets/README.md examples/jets/jets.net examples/jets/jets.h5 \
  examples/jets/generate_jets.py examples/jets/requirements.txt examples/jets/expected
fashiondir = $(docdir)/examples/fashion
dist_fashion_DATA = examples/fashion/README.md examples/fashion/fashion.net examples/fashion/expected

EXTRA_DIST += examples/README.md examples/quickstart.sh tests/setup.sh tests/run.sh tests/examples.sh \
  tests/packages.txt
