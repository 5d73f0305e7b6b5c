# Exim that sends what is not for example.org on, to 127.0.0.1:NEXT. Read by
# `peer`; for `relay`.
#
# Left to itself it refuses lines of more than 998 bytes when it sends them on,
# and never sends anything to the machine that it runs on.

source "$here/exim.sh"

peer_keys="next"

relay_hosts="127.0.0.1"

more_routers() {
    cat << END
onward:
  driver = manualroute
  domains = !+local_domains
  route_list = * 127.0.0.1::$(setting next 25)
  self = send
  transport = onward
END
}

more_transports() {
    cat << END
onward:
  driver = smtp
  allow_localhost
  message_linelength_limit = 1000000
END
}
