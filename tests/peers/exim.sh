# Exim. Read by `peer`.
#
# Its mailboxes and its queue belong to the mail user. Some settings are for
# the tests: no look-ups of names or users, no TLS, and mistakes do not end a
# session (it would hang up at the fourth).

exim=$CACHE/exim/usr/sbin/exim4

peer_keys="max-size max-recipients"

peer_version() {
    # With Debian's number: what was mended since is in it.
    echo "Exim $(dpkg-deb -f "$CACHE"/exim/packages/exim4-daemon-*.deb Version)"
}

start_peer() {
    mkdir -p "$DIR/spool" "$DIR/log"
    chown "$MAIL_USER:$MAIL_USER" "$DIR/spool" "$DIR/log"
    exim_conf > "$DIR/exim.conf"
    background "$exim" -C "$DIR/exim.conf" -bdf -q1m -oX "127.0.0.1:$PORT"
}

stop_peer() {
    stop_background
}

# For another Exim that is like this one, and sends mail on as well: the clients
# that may ask for it, and how.
relay_hosts=

more_routers() {
    :
}

more_transports() {
    :
}

exim_conf() {
    cat << END
exim_path = $exim
exim_user = $MAIL_USER
exim_group = $MAIL_USER
deliver_drop_privilege
never_users =
keep_environment =
spool_directory = $DIR/spool
log_file_path = $DIR/log/%slog
pid_file_path = $DIR/log/exim.pid

primary_hostname = mx.example.org
qualify_domain = example.org
domainlist local_domains = example.org
message_size_limit = $(setting max-size 26214400)
recipients_max = $(setting max-recipients 1000)
acl_smtp_rcpt = check_recipient
acl_smtp_data = accept

host_lookup =
rfc1413_query_timeout = 0s
tls_advertise_hosts =
smtp_max_synprot_errors = 100
smtp_max_unknown_commands = 100
smtp_accept_max = 0

begin acl
check_recipient:
  accept  hosts = $relay_hosts
          domains = !+local_domains
  deny    message = relay not permitted
          domains = !+local_domains
  require verify = recipient
  accept

begin routers
mailbox:
  driver = accept
  domains = +local_domains
  local_parts = $(IFS=:; echo "${MAILBOXES[*]}")
  transport = maildir
$(more_routers)

begin transports
maildir:
  driver = appendfile
  directory = $DIR/mail/\$local_part_data
  maildir_format
  create_directory
  return_path_add
$(more_transports)
END
}
