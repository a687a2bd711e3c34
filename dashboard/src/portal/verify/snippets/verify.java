import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.Base64;
import java.util.Map;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

public final class WebhookVerifier {
  private static final long TOLERANCE_S = 300;

  /**
   * Whether a request is genuine and at most five minutes old.
   *
   * @param headers names in lower case
   * @param body as it arrived, before it was parsed
   * @param secret whsec_…
   */
  public static boolean verify(Map<String, String> headers, byte[] body, String secret)
      throws GeneralSecurityException {
    String id = headers.getOrDefault("webhook-id", "");
    String timestamp = headers.getOrDefault("webhook-timestamp", "");
    String signatures = headers.getOrDefault("webhook-signature", "");
    if (id.isEmpty() || !timestamp.matches("[0-9]{1,12}")) return false;
    if (Math.abs(Instant.now().getEpochSecond() - Long.parseLong(timestamp)) > TOLERANCE_S) return false;

    byte[] key = Base64.getDecoder().decode(secret.replaceFirst("^whsec_", ""));
    Mac mac = Mac.getInstance("HmacSHA256");
    mac.init(new SecretKeySpec(key, "HmacSHA256"));
    mac.update((id + "." + timestamp + ".").getBytes(StandardCharsets.UTF_8));
    byte[] expected = mac.doFinal(body);
    // After the secret was replaced there are several signatures; one must be right.
    for (String signature : signatures.split(" ")) {
      if (!signature.startsWith("v1,")) continue;
      try {
        byte[] given = Base64.getDecoder().decode(signature.substring("v1,".length()));
        if (MessageDigest.isEqual(given, expected)) return true;
      } catch (IllegalArgumentException notBase64) {
        // Not a signature; another one may be right.
      }
    }
    return false;
  }
}
