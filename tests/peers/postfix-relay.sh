# Postfix that sends what is not for example.org on, to 127.0.0.1:NEXT. Read by
# `peer`; for `relay`.
#
# Left to itself it breaks lines of more than 998 bytes when it sends them on.

source "$here/postfix.sh"

peer_keys="next"

more_settings() {
    cat << END
smtpd_relay_restrictions = permit_inet_interfaces, reject
relayhost = [127.0.0.1]:$(setting next 25)
default_transport = smtp
smtp_line_length_limit = 0
END
}

# Connections that are kept open for the next message, as Postfix does by
# default, and "postfix flush".
more_services() {
    cat << END
scache    unix - - n - 1 scache
pickup    unix n - n 60 1 pickup
END
}
