# net-smtp.pl PORT FROM FILE TO...: sends one message with Perl's Net::SMTP.

use strict;
use warnings;
use Net::SMTP;

my ($port, $from, $file, @to) = @ARGV;
open my $text, '<:raw', $file or die "$file: $!\n";

my $smtp = Net::SMTP->new('127.0.0.1', Port => $port, Hello => 'client.example')
    or fail(undef);
# Bits: the message may have bytes over 127; it says so where that is possible.
$smtp->mail($from, Bits => 8) or fail($smtp);
$smtp->recipient(@to) or fail($smtp);
$smtp->data or fail($smtp);
$smtp->datasend(<$text>) or fail($smtp);
$smtp->dataend or fail($smtp);
$smtp->quit;

# Says why, and leaves.
sub fail {
    my ($smtp) = @_;
    # Without a session the reply is in the error's words.
    my ($code) = $smtp ? $smtp->code : $@ =~ /: (\d{3}) /;
    $code ||= 0;
    warn $smtp ? "$code " . $smtp->message . "\n" : "no session: $@\n";
    $smtp->quit if $smtp;
    exit($code >= 500 ? 69 : 75);
}
