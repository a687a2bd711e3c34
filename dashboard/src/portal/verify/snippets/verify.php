<?php

const TOLERANCE_S = 300;

/**
 * Whether a request is genuine and at most five minutes old.
 *
 * @param array<string, string> $headers names in lower case
 * @param string $body as it arrived: file_get_contents('php://input')
 * @param string $secret whsec_...
 */
function verify(array $headers, string $body, string $secret): bool
{
    $id = $headers['webhook-id'] ?? '';
    $timestamp = $headers['webhook-timestamp'] ?? '';
    $signatures = $headers['webhook-signature'] ?? '';
    if ($id === '' || !preg_match('/^\d+$/D', $timestamp) || abs(time() - (int) $timestamp) > TOLERANCE_S) {
        return false;
    }

    $key = base64_decode(substr($secret, strlen('whsec_')));
    $expected = hash_hmac('sha256', "$id.$timestamp.$body", $key, true);
    // After the secret was replaced there are several signatures; one must be right.
    foreach (explode(' ', $signatures) as $signature) {
        [$version, $value] = explode(',', $signature, 2) + ['', ''];
        if ($version === 'v1' && hash_equals($expected, base64_decode($value))) {
            return true;
        }
    }
    return false;
}
