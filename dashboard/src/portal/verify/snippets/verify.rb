require "openssl"

TOLERANCE_S = 300

# Whether a request is genuine and at most five minutes old.
# headers: names in lower case; body: as it arrived, before it was parsed; secret: whsec_...
def verify(headers, body, secret)
  id, timestamp, signatures = headers.values_at("webhook-id", "webhook-timestamp", "webhook-signature")
  return false unless id && signatures && timestamp.to_s.match?(/\A\d+\z/)
  return false if (Time.now.to_i - timestamp.to_i).abs > TOLERANCE_S

  key = secret.delete_prefix("whsec_").unpack1("m")
  expected = OpenSSL::HMAC.digest("SHA256", key, "#{id}.#{timestamp}.".b + body.b)
  # After the secret was replaced there are several signatures; one must be right.
  signatures.split(" ").any? do |signature|
    version, value = signature.split(",", 2)
    version == "v1" && OpenSSL.secure_compare(value.to_s.unpack1("m"), expected)
  end
end
