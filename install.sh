#!/bin/sh
# Installs MailIt as a service, or upgrades it:
#
#   curl -fsSL https://github.com/mailit-dev/mailit/releases/latest/download/install.sh | sudo sh
#   sh install.sh [--root DIR] [--uninstall]
#
# MAILIT_RELEASE_URL   where the release is: an https:// or file:// URL or a folder; default: the latest release
# DESTDIR              like --root: install into this folder, and touch neither users nor services

set -eu
umask 022

default_release=https://github.com/mailit-dev/mailit/releases/latest/download

fail() {
  echo "install.sh: $*" >&2
  exit 1
}

usage() {
  cat <<'EOF'
Usage: install.sh [--root DIR] [--uninstall]

  --root DIR    install into DIR and touch neither users nor services (also: DESTDIR)
  --uninstall   remove the program and its unit; data and configuration stay

MAILIT_RELEASE_URL names another release: an https:// or file:// URL, or a folder.
EOF
}

# The whole script is functions, called on its last line: a download that broke off does nothing.
main() {
  root=${DESTDIR:-}
  uninstall=no
  while [ $# -gt 0 ]; do
    case $1 in
      --root)
        [ $# -ge 2 ] || fail "--root needs a folder."
        root=$2
        shift
        ;;
      --root=*) root=${1#--root=} ;;
      --uninstall) uninstall=yes ;;
      -h | --help)
        usage
        exit 0
        ;;
      *) fail "$1 is unknown; see --help." ;;
    esac
    shift
  done
  root=${root%/}
  program=$root/usr/local/bin/mailit
  config_dir=$root/etc/mailit
  config=$config_dir/mailit.config.ts
  data=$root/var/lib/mailit
  unit=$root/etc/systemd/system/mailit.service

  if [ -z "$root" ] && [ "$(id -u)" -ne 0 ]; then
    fail "this must run as root (or with --root DIR, to look at what it installs)."
  fi
  if [ "$uninstall" = yes ]; then
    uninstall_mailit
  else
    install_mailit
  fi
}

install_mailit() {
  [ "$(uname -s)" = Linux ] || fail "MailIt runs on Linux; this is $(uname -s)."
  arch=$(architecture)
  libc=$(libc_suffix)
  name=mailit-linux-$arch$libc

  mkdir -p "${program%/*}" || fail "${program%/*} can't be made."
  # Beside the program, so that the last step is a rename: at any time there is the old program or the new one.
  work=$(mktemp -d "${program%/*}/.mailit-install.XXXXXX") || fail "${program%/*} can't be written to."
  trap 'rm -rf "$work"' EXIT
  trap 'exit 1' HUP INT TERM

  fetch_release "$name"
  install_program "$name"
  [ -n "$root" ] || add_user
  install_folders
  install_config
  if has_systemd; then install_unit; fi
  next_steps
}

architecture() {
  case $(uname -m) in
    x86_64 | amd64) echo x64 ;;
    aarch64 | arm64) echo arm64 ;;
    *) fail "there is no MailIt for $(uname -m); it runs on x86_64 and aarch64." ;;
  esac
}

# Alpine with gcompat and Debian with musl-dev each have both loaders, so the C library itself is asked first.
libc_suffix() {
  if getconf GNU_LIBC_VERSION >/dev/null 2>&1; then return; fi
  if [ -e "/lib/ld-musl-$(uname -m).so.1" ] || ldd --version 2>&1 | grep -qi musl; then echo -musl; fi
}

fetch_release() {
  command -v sha256sum >/dev/null 2>&1 || fail "sha256sum is needed to check the download."
  release=${MAILIT_RELEASE_URL:-$default_release}
  release=${release%/}
  fetch SHA256SUMS
  fetch "$1"
  # Two lines for one file would equal no checksum at all, which is what they deserve.
  expected=$(awk -v name="$1" '$2 == name || $2 == "*" name { print $1 }' "$work/SHA256SUMS")
  actual=$(sha256sum "$work/$1" | cut -d ' ' -f 1)
  [ -n "$expected" ] || fail "SHA256SUMS of $release doesn't list $1; nothing was installed."
  [ "$expected" = "$actual" ] || fail "the checksum of $1 is not the one in SHA256SUMS; nothing was installed."
}

fetch() {
  case $release in
    file://*) copy_release_file "${release#file://}/$1" "$1" ;;
    https://*) download "$release/$1" "$work/$1" || fail "$release/$1 could not be downloaded; nothing was installed." ;;
    *://*) fail "MAILIT_RELEASE_URL must be an https:// or file:// URL or a folder." ;;
    *) copy_release_file "$release/$1" "$1" ;;
  esac
}

copy_release_file() {
  [ -f "$1" ] || fail "there is no $1; nothing was installed."
  cp "$1" "$work/$2" || fail "$1 could not be copied; nothing was installed."
}

download() {
  if command -v curl >/dev/null 2>&1; then
    curl --proto '=https' --tlsv1.2 --retry 3 -fsSL -o "$2" "$1"
  elif command -v wget >/dev/null 2>&1; then
    wget -q -O "$2" "$1"
  else
    fail "curl or wget is needed to download MailIt."
  fi
}

install_program() {
  chmod 0755 "$work/$1"
  # A program that can't start here must not replace one that does.
  if ! version=$("$work/$1" version 2>&1); then
    case $1 in
      *-musl) fail "$1 doesn't start here (on Alpine it needs: apk add libstdc++); nothing was installed." ;;
      *) fail "$1 doesn't start on this machine; nothing was installed." ;;
    esac
  fi
  mv -f "$work/$1" "$program" || fail "$program can't be written."
}

add_user() {
  if id mailit >/dev/null 2>&1; then return; fi
  if command -v useradd >/dev/null 2>&1; then
    useradd --system --user-group --home-dir /var/lib/mailit --no-create-home --shell /usr/sbin/nologin mailit
  else
    addgroup -S mailit && adduser -S -D -H -h /var/lib/mailit -s /sbin/nologin -G mailit mailit
  fi || fail "the user mailit could not be added."
}

install_folders() {
  make_folder "$data" mailit:mailit
  make_folder "$config_dir" root:mailit
}

# An existing folder keeps the rights its operator gave it.
make_folder() {
  if [ -d "$1" ]; then return; fi
  mkdir -p "$1" || fail "$1 can't be made."
  chmod 0750 "$1"
  if [ -z "$root" ]; then chown "$2" "$1"; fi
}

install_config() {
  if [ -e "$config" ]; then return; fi
  cat >"$config.new" <<'EOF'
// MailIt's configuration. Everything has a default; what is here is what most servers want to say.
// Any key can also be set in /etc/mailit/mailit.env: smtpOutbound.hostname is MAILIT_SMTP_OUTBOUND_HOSTNAME there.
export default {
  server: {
    // Behind a reverse proxy on this machine: httpAddr: "127.0.0.1:8080", trustedProxies: ["127.0.0.1"],
    httpAddr: ":8080",
    // publicUrl: "https://mail.example.com",
  },
  smtpOutbound: {
    // The name of this server in the mail world; the PTR record of its address should say the same.
    // hostname: "mail.example.com",
  },
  // The service may open these although it doesn't run as root.
  smtpInbound: { addr: ":25" },
  smtpSubmission: { addr: ":587", tlsAddr: ":465" },
};
EOF
  # It may come to hold passwords: only root writes it and only the service reads it.
  chmod 0640 "$config.new"
  if [ -z "$root" ]; then chown root:mailit "$config.new"; fi
  mv "$config.new" "$config" || fail "$config can't be written."
}

has_systemd() {
  [ -n "$root" ] || [ -d /run/systemd/system ]
}

install_unit() {
  mkdir -p "${unit%/*}" || fail "${unit%/*} can't be made."
  cat >"$unit.new" <<'EOF'
[Unit]
Description=MailIt, a self-hosted email platform
Documentation=https://github.com/mailit-dev/mailit
Wants=network-online.target
After=network-online.target

[Service]
User=mailit
Group=mailit
WorkingDirectory=/var/lib/mailit
EnvironmentFile=-/etc/mailit/mailit.env
ExecStart=/usr/local/bin/mailit serve --config /etc/mailit/mailit.config.ts --data /var/lib/mailit
Restart=always
RestartSec=2
TimeoutStopSec=20
LimitNOFILE=65536
UMask=0077

# Ports 25, 465 and 587 without being root.
AmbientCapabilities=CAP_NET_BIND_SERVICE
CapabilityBoundingSet=CAP_NET_BIND_SERVICE
NoNewPrivileges=yes

ProtectSystem=strict
ReadWritePaths=/var/lib/mailit
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
RemoveIPC=yes
LockPersonality=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
# AF_NETLINK: the resolver asks the kernel which addresses this machine has.
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
# The JavaScript engine makes machine code while it runs.
MemoryDenyWriteExecute=no

[Install]
WantedBy=multi-user.target
EOF
  mv "$unit.new" "$unit" || fail "$unit can't be written."
  if [ -n "$root" ]; then return; fi
  systemctl daemon-reload || fail "systemd could not read its units again."
  if systemctl is-active --quiet mailit; then
    systemctl restart mailit || fail "mailit did not start again; see: journalctl -u mailit"
  fi
}

next_steps() {
  echo "Installed ${version%%
*} as $program"
  if [ -n "$root" ]; then return; fi
  if has_systemd && systemctl is-active --quiet mailit; then
    echo "The running service was restarted with it."
    return
  fi
  arguments="--config $config --data $data"
  cat <<EOF

Next:
  1. Look at $config
  2. Make the first account, sending domain and API key:
EOF
  # As the service's user, or it couldn't open what setup writes.
  if command -v runuser >/dev/null 2>&1; then
    echo "       cd $data && runuser -u mailit -- mailit setup $arguments"
  else
    echo "       cd $data && su -s /bin/sh mailit -c 'mailit setup $arguments'"
  fi
  if has_systemd; then
    echo "  3. Start it, now and at every boot:"
    echo "       systemctl enable --now mailit"
  else
    echo "  3. There is no systemd here; have your service manager run, as the user mailit:"
    echo "       mailit serve $arguments"
  fi
}

uninstall_mailit() {
  if [ -z "$root" ] && [ -e "$unit" ] && has_systemd; then
    systemctl disable --now --quiet mailit || fail "the service mailit could not be stopped; nothing was removed."
  fi
  rm -f "$unit" "$program" || fail "$unit and $program could not be removed."
  if [ -z "$root" ] && has_systemd; then systemctl daemon-reload; fi
  echo "Removed $program and its service. Your data in $data and your configuration in $config_dir stay."
}

{
  main "$@"
}
