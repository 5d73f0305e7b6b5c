# net-smtp.rb PORT FROM FILE TO...: sends one message with Ruby's Net::SMTP.

require "net/smtp"

REFUSED, LATER = 69, 75

port, from, file, *to = ARGV

def fail_with(code, error)
  warn error.message
  exit code
end

begin
  Net::SMTP.start("127.0.0.1", port.to_i, helo: "client.example") do |smtp|
    smtp.send_message File.binread(file), from, *to
  end
rescue Net::SMTPError => error
  is_final = error.response&.status&.start_with?("5")
  fail_with is_final ? REFUSED : LATER, error
rescue StandardError, Timeout::Error => error
  fail_with LATER, error
end
