# SPDX-License-Identifier: GPL-2.0
#
# The top-level Makefile of netbpf, which works alone or as tools/netbpf of a kernel tree.

all: samples scripts exercises selftests

# Make a relative O= absolute here, because the Makefiles below run in other directories.
ifneq ($(O),)
override O := $(abspath $(O))
endif

# A kernel tree may hold this tree as a symbolic link, which make -C resolves. scripts/ksrc.sh
# finds that kernel tree from the directory in which the user called make.
export CALLED_FROM ?= $(PWD)

samples:
	+@$(MAKE) -C samples

bpf:
	+@$(MAKE) -C samples bpf
	+@$(MAKE) -C selftests bpf

# Build these directories one after the other: all need libbpf, which samples builds.
scripts: samples
	+@$(MAKE) -C scripts

# The course: scripts/learn.sh.
exercises: samples
	+@$(MAKE) -C exercises

selftests: samples scripts
	+@$(MAKE) -C selftests

htmldocs cleandocs:
	+@$(MAKE) -C Documentation $@

install: samples scripts
	+@$(MAKE) -C samples install
	+@$(MAKE) -C scripts install

install-doc man:
	+@$(MAKE) -C Documentation/man $@

uninstall:
	+@$(MAKE) -C Documentation/man uninstall
	+@$(MAKE) -C scripts uninstall
	+@$(MAKE) -C samples uninstall

# Build a Debian package of the last commit in a clean tree: build/deb/netbpf_VERSION_ARCH.deb.
deb-pkg:
	@O='$(O)' ./scripts/deb-pkg.sh

check:
	@O='$(O)' ./scripts/check.sh

run_tests:
	+@$(MAKE) -C selftests run_tests

# Run the test suite on other kernels; KERNEL=6.1 selects one of them. With ARCH=, the guest is
# of the architecture that the tests are built for.
KERNEL ?= all
vmtest: all
	@./scripts/vmtest.sh $(if $(ARCH),--arch $(ARCH)) -k $(KERNEL)

# Run the first two commands of README.rst in minimal Debian systems; DEBIAN=trixie selects one.
DEBIAN ?= all
fresh:
	@O='$(O)' ./scripts/fresh.sh -d $(DEBIAN)

# Measure what the programs cost and how fast they are: scripts/bench.sh --help lists the parts.
bench: all
	@O='$(O)' ./scripts/bench.sh

# Send random packets through all programs: scripts/fuzz.sh --help.
fuzz: all
	@O='$(O)' ./scripts/fuzz.sh

# Start the next exercise of the course, and check it at each save.
learn:
	@O='$(O)' exec setpriv --pdeathsig TERM -- ./scripts/learn.sh watch

clean:
	+@$(MAKE) -C selftests clean
	+@$(MAKE) -C exercises clean
	+@$(MAKE) -C scripts clean
	+@$(MAKE) -C samples clean

help:
	@echo 'Targets:'
	@echo '  all        samples, exercises and selftests (default)'
	@echo '  samples    the eBPF programs and their loaders, into samples/'
	@echo '  scripts    the kernel probe of scripts/doctor.sh'
	@echo '  exercises  the judges of the course'
	@echo '  learn      start the next exercise, and check it at each save'
	@echo '  selftests  the test programs'
	@echo '  bpf        the BPF objects only, which need no libraries of the target'
	@echo '  run_tests  run the tests with the runner of the kernel'
	@echo '             (./selftests/run.sh also sets up, and fails when a test fails)'
	@echo '  check      what a reviewer would say first, see scripts/check.sh --help'
	@echo '  vmtest     run the tests on other kernels, see scripts/vmtest.sh --help'
	@echo '  fresh      the first two commands of README.rst in bare roots of Debian 12 and 13'
	@echo '  bench      measure the programs, see scripts/bench.sh --help'
	@echo '  fuzz       random packets through all programs, see scripts/fuzz.sh --help'
	@echo '  htmldocs   the pages in Documentation/ as HTML, into build/html'
	@echo '  install    install samples, netbpf-lab, netbpf-doctor and bash completion'
	@echo '  install-doc  install manual pages and Documentation/'
	@echo '  uninstall  remove all of it'
	@echo '  man        the manual pages, into build/man/'
	@echo '  deb-pkg    a Debian package, into build/deb/'
	@echo '  clean      remove what was built'
	@echo
	@echo 'Variables:'
	@echo '  O=DIR          build into DIR'
	@echo '  V=1            show the commands'
	@echo '  WERROR=1       a warning is an error'
	@echo '  SAN=1          host programs with ASan and UBSan (scripts/fuzz.sh --san)'
	@echo '  KSRC=DIR       kernel tree to take libbpf, bpftool and UAPI headers from'
	@echo '  CLANG=clang-19 compiler of the BPF programs'
	@echo '  ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu-  build for another machine'
	@echo '  SYSROOT=DIR    its libraries (default: .sysroot/ARCH of scripts/sysroot.sh)'
	@echo '  LLVM=1         clang and LLVM tools for the host programs too'
	@echo '  KERNEL=6.1     the kernel of vmtest (6.1, 6.12, backports, all, or a bzImage)'
	@echo '  DEBIAN=trixie  the release of fresh (bookworm, trixie, all)'
	@echo '  VMLINUX_BTF=F  BTF to make vmlinux.h from'
	@echo '  BPFTOOL=F LIBBPF_DIR=DIR  a bpftool, and the build/libbpf of another build'
	@echo '  DESTDIR= prefix=/usr/local sbindir= mandir= docdir= bash_compdir=  where to install'
	@echo
	@echo 'First time here: ./scripts/tour.sh'

.PHONY: all bpf samples scripts exercises learn selftests htmldocs cleandocs install install-doc uninstall man deb-pkg check run_tests vmtest fresh bench fuzz clean help
