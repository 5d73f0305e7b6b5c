# Postfix as strict as it can be made. Read by `peer`.
#
# Next to `postfix` it shows what its makers have decided, and what is only a
# default: kind to old clients, or older than the rule.

source "$here/postfix.sh"

more_settings() {
    cat << END
smtpd_forbid_bare_newline = reject
strict_rfc821_envelopes = yes
strict_smtputf8 = yes
smtpd_helo_required = yes
smtpd_helo_restrictions = reject_invalid_helo_hostname
END
}

peer_version() {
    echo "Postfix $(postconf -d -h mail_version), strict"
}
