# What an installation consists of, and packages made of it. Included by the Makefile.

.PHONY: install uninstall deb

UNITS_OF_SYSTEMD := $(patsubst deploy/systemd/%.in,%,$(wildcard deploy/systemd/*.service.in))
EXAMPLES := $(wildcard deploy/examples/*.yaml)
MAN := $(wildcard deploy/man/*)

# Below PREFIX: what is installed -> from where.
define INSTALLED
755 bin/tidings $(BUILD)/tidings
$(foreach unit,$(UNITS_OF_SYSTEMD),644 lib/systemd/system/$(unit) $(BUILD)/deploy/$(unit)
)
644 lib/sysusers.d/tidings.conf deploy/systemd/sysusers.conf
644 lib/tmpfiles.d/tidings.conf deploy/systemd/tmpfiles.conf
$(foreach page,$(MAN),644 share/man/man$(subst .,,$(suffix $(page)))/$(notdir $(page)) $(page)
)
$(foreach file,$(PROTOS),644 share/tidings/$(file) $(file)
)
644 share/doc/tidings/CHANGELOG.md CHANGELOG.md
644 share/doc/tidings/events.md proto/README.md
644 share/doc/tidings/zeromq.md proto/zeromq.md
$(foreach file,$(wildcard proto/clients/python/*.py),644 share/doc/tidings/examples/$(notdir $(file)) $(file)
)
$(foreach file,$(EXAMPLES),644 share/doc/tidings/examples/$(notdir $(file)) $(file)
)
endef
export INSTALLED

# One text for both units; the program stands where PREFIX says.
$(BUILD)/deploy/%.service: deploy/systemd/%.service.in deploy/systemd/common.in FORCE
	@mkdir -p $(@D)
	@sed -e '/^@COMMON@/{r deploy/systemd/common.in' -e 'd}' -e 's,@BINDIR@,$(PREFIX)/bin,' $< >$@

.PHONY: FORCE
FORCE:

install: all $(UNITS_OF_SYSTEMD:%=$(BUILD)/deploy/%) ## install below DESTDIR and PREFIX
	@echo "$$INSTALLED" | while read -r mode to from; do \
		[ -z "$$mode" ] || install -D -m $$mode $$from "$(DESTDIR)$(PREFIX)/$$to" || exit 1; done
	@echo "installed below $(DESTDIR)$(PREFIX); then: systemd-sysusers; systemd-tmpfiles --create; man tidings"

uninstall: ## remove what `make install` installed, but no configuration and no state
	@echo "$$INSTALLED" | while read -r mode to from; do \
		[ -z "$$mode" ] || rm -f "$(DESTDIR)$(PREFIX)/$$to"; done
	@rm -rf "$(DESTDIR)$(PREFIX)/share/tidings/proto" "$(DESTDIR)$(PREFIX)/share/doc/tidings"
	@rmdir "$(DESTDIR)$(PREFIX)/share/tidings" 2>/dev/null || true

deb: ## make a Debian package in build-deb/
	@VERSION=$(VERSION) deploy/debian/build build-deb
