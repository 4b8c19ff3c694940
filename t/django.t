# Tokens of Django's TimestampSigner: what is signed, with which key, and for how long.
use lib 't/lib';
use Test::Nginx::Socket 'no_plan';
use Media;

# A configuration with other parameters of the one key.
sub keyed {
    my ($parameters, $more) = @_;
    return <<"CONFIG";
        location /media/ {
            crossdomain_media https://www.example.com;
            crossdomain_media_key \$TEST_NGINX_KEYS_DIR/$parameters;
            @{[ $more // '' ]}
        }
CONFIG
}

run_tests();

__DATA__

=== a SHA-256 token is granted
--- request eval: "GET " . signed("/media/a.txt")
--- granted



=== the colon may be escaped in either case or not at all
--- request eval
my $token = token("/media/a.txt");
[ map { "GET /media/a.txt?token=" . $token =~ s/:/$_/r } ":", "%3A", "%3a" ]
--- granted



=== other arguments stand before and after the token
--- request eval: "GET /media/a.txt?download&x=1&" . token_arg("/media/a.txt") . "&y=2"
--- granted



=== escaped letters in the token and in its name are the same letters
--- request eval
my $token = token("/media/a.txt");
my $escaped = CORE::join "", map { sprintf "%%%02x", ord } split //, $token;
"GET /media/a.txt?t%6Fken=$escaped"
--- granted



=== a SHA-1 token is granted by a key that says sha1
--- config eval: main::keyed("main.key alg=sha1")
--- request eval: "GET " . signed("/media/a.txt", alg => "sha1")
--- granted



=== a SHA-1 token is refused by a SHA-256 key
--- request eval: "GET " . signed("/media/a.txt", alg => "sha1")
--- refused: 403
--- error_log
crossdomain_media: invalid, reason: bad_signature, uri: "/media/a.txt"



=== a SHA-256 token is refused by a SHA-1 key
--- config eval: main::keyed("main.key alg=sha1")
--- request eval: "GET " . signed("/media/a.txt")
--- refused: 403



=== one secret may be trusted with both algorithms
--- config
    location /media/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key id=new;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key id=legacy alg=sha1;
        add_header X-Key $crossdomain_media_key_id;
    }
--- request eval: [ "GET " . signed("/media/a.txt"), "GET " . signed("/media/a.txt", alg => "sha1") ]
--- granted
--- response_headers eval: [ "X-Key: new", "X-Key: legacy" ]



=== keys are tried in order, and the one that holds is named
--- config
    location /media/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key id=main;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/old.key id=old;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/short.key id=short;
        add_header X-Key $crossdomain_media_key_id always;
    }
--- request eval
[ map { "GET " . signed("/media/a.txt", key => $_) } "main.key", "old.key", "short.key", "other.key" ]
--- error_code eval: [ 200, 200, 200, 403 ]
--- response_headers eval: [ "X-Key: main", "X-Key: old", "X-Key: short", "! X-Key" ]



=== an expired token of a fallback key is expired, not invalid
--- config
    location /media/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key id=main;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/old.key id=old;
    }
--- request eval: "GET " . signed("/media/a.txt", key => "old.key", at => -5000)
--- redirected: https://www.example.com/media/a.txt
--- error_log eval
qr{crossdomain_media: expired, reason: token_expired, key: "old", age: 50\d\ds, uri: "/media/a.txt", client: }



=== an overridden signer's salt derives another key
--- config eval: main::keyed("main.key salt=myapp.signing.MediaSigner")
--- request eval
[ "GET " . signed("/media/a.txt", salt => "myapp.signing.MediaSigner"), "GET " . signed("/media/a.txt") ]
--- error_code eval: [ 200, 403 ]



=== a derived key needs no SECRET_KEY: hex
--- config eval: main::keyed("derived.hex derived encoding=hex")
--- request eval: "GET " . signed("/media/a.txt")
--- granted



=== a derived key needs no SECRET_KEY: base64
--- config eval: main::keyed("derived.base64 derived encoding=base64")
--- request eval: "GET " . signed("/media/a.txt")
--- granted



=== a derived key needs no SECRET_KEY: raw bytes
--- config eval: main::keyed("derived.bin derived")
--- request eval: "GET " . signed("/media/a.txt")
--- granted



=== a secret may be stored as hex
--- config eval: main::keyed("main.hex encoding=hex")
--- request eval: "GET " . signed("/media/a.txt")
--- granted



=== a secret may be stored as base64
--- config eval: main::keyed("main.base64 encoding=base64")
--- request eval: "GET " . signed("/media/a.txt")
--- granted



=== hex text that is not declared as such is a secret like any other
--- config eval: main::keyed("main.hex")
--- request eval: [ "GET " . signed("/media/a.txt", key => "main.hex"), "GET " . signed("/media/a.txt") ]
--- error_code eval: [ 200, 403 ]



=== reverse() paths: what Django quotes is quoted
--- user_files eval
[ map { [ "media/$_", "private\n" ] } "My File.txt", "\xc3\xa9/\xc3\xbcn\xc3\xaf \xe4\xb8\xad.txt", "100%.txt",
    "a%20b.txt", "a+b.txt", "x:y.txt", "!\$&'()*+,;=.txt", "what?.txt", "a[b]{c}.txt", "a|b^c`d.txt",
    "a\\b.txt", "a\"b<c>.txt", "t~u\@v-w_x.y.txt", "a#b.txt" ]
--- request eval
[ map { "GET " . signed("/media/$_") } "My%20File.txt", "%C3%A9/%C3%BCn%C3%AF%20%E4%B8%AD.txt", "100%25.txt",
    "a%2520b.txt", "a+b.txt", "x:y.txt", "!\$&'()*+,;=.txt", "what%3F.txt", "a%5Bb%5D%7Bc%7D.txt", "a%7Cb%5Ec%60d.txt",
    "a%5Cb.txt", "a%22b%3Cc%3E.txt", "t~u\@v-w_x.y.txt", "a%23b.txt" ]
--- granted



=== reverse() paths: another spelling of the same path is the same path
--- user_files eval: [ [ "media/a+b.txt", "private\n" ], [ "media/\xc3\xa9.txt", "private\n" ], [ "media/a.txt", "private\n" ] ]
--- request eval
[ "GET /media/%61.txt?" . token_arg("/media/a.txt"),
  "GET /%6dedia/a%2Etxt?" . token_arg("/media/a.txt"),
  "GET /media/%c3%a9.txt?" . token_arg("/media/%C3%A9.txt"),
  "GET /media/a%2Bb.txt?" . token_arg("/media/a+b.txt"),
  "GET /media%2Fa.txt?" . token_arg("/media/a.txt") ]
--- granted



=== reverse() paths: raw bytes in the request are the same path
--- user_files eval: [ [ "media/\xc3\xa9.txt", "private\n" ] ]
--- raw_request eval: raw_get("/media/\xc3\xa9.txt?" . token_arg("/media/%C3%A9.txt"))
--- granted



=== reverse() paths: the spelling that Django does not sign is not signed
--- user_files eval: [ [ "media/a+b.txt", "private\n" ], [ "media/My File.txt", "private\n" ] ]
--- request eval
[ "GET /media/a+b.txt?" . token_arg("/media/a%2Bb.txt"),
  "GET /media/My%20File.txt?" . token_arg("/media/My File.txt"),
  "GET /media/My%20File.txt?" . token_arg("/media/My+File.txt") ]
--- refused: 403



=== a plus sign in a path is no space
--- user_files eval: [ [ "media/a b.txt", "private\n" ] ]
--- request eval: "GET /media/a+b.txt?" . token_arg("/media/a%20b.txt")
--- refused: 403



=== a doubled slash is signed as it is, and not merged
--- request eval
[ "GET /media//a.txt?" . token_arg("/media//a.txt"),
  "GET /media//a.txt?" . token_arg("/media/a.txt"),
  "GET /media/a.txt?" . token_arg("/media//a.txt") ]
--- error_code eval: [ 200, 403, 403 ]



=== leading slashes are signed as reverse() writes them
--- config
    location / {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
    }
--- raw_request eval: raw_get("//media/a.txt?" . token_arg("/%2Fmedia/a.txt"))
--- granted



=== storage paths: sub-delimiters are quoted
--- config eval: main::keyed("main.key path=storage")
--- user_files eval
[ map { [ "media/$_", "private\n" ] } "a+b.txt", "!\$&'()*+,;=.txt", "x:y\@z.txt", "\xc3\xa9 \xe4\xb8\xad.txt", "100%.txt", "t~u.txt" ]
--- request eval
[ map { "GET " . signed("/media/$_") } "a%2Bb.txt", "!%24%26'()*%2B%2C%3B%3D.txt", "x%3Ay%40z.txt",
    "%C3%A9%20%E4%B8%AD.txt", "100%25.txt", "t~u.txt" ]
--- granted



=== storage paths: the request may spell them plainly
--- config eval: main::keyed("main.key path=storage")
--- user_files eval: [ [ "media/a+b.txt", "private\n" ] ]
--- request eval
[ "GET /media/a+b.txt?" . token_arg("/media/a%2Bb.txt"), "GET /media/a+b.txt?" . token_arg("/media/a+b.txt") ]
--- error_code eval: [ 200, 403 ]



=== decoded paths: the text itself is signed
--- config eval: main::keyed("main.key path=decoded")
--- user_files eval
[ map { [ "media/$_", "private\n" ] } "\xc3\xa9/\xc3\xbc \xe4\xb8\xad.txt", "100%.txt", "x:y.txt", "a+b.txt" ]
--- request eval
[ "GET /media/%C3%A9/%C3%BC%20%E4%B8%AD.txt?" . token_arg("/media/\xc3\xa9/\xc3\xbc \xe4\xb8\xad.txt"),
  "GET /media/100%25.txt?" . token_arg("/media/100%.txt"),
  "GET /media/x:y.txt?" . token_arg("/media/x:y.txt"),
  "GET /media/a%2Bb.txt?" . token_arg("/media/a+b.txt"),
  "GET /media/100%25.txt?" . token_arg("/media/100%25.txt") ]
--- error_code eval: [ 200, 200, 200, 200, 403 ]



=== raw paths: the bytes sent are signed
--- config eval: main::keyed("main.key path=raw")
--- request eval
[ "GET " . signed("/media/a.txt"),
  "GET " . signed("/media/%61.txt"),
  "GET /media/%61.txt?" . token_arg("/media/a.txt") ]
--- error_code eval: [ 200, 200, 403 ]



=== signs=parent: a token serves every file directly in its directory
--- config eval: main::keyed("main.key signs=parent")
--- request eval
my $token = token_arg("/media/dir");
[ map { "GET $_?$token" } "/media/dir/x.txt", "/media/dir/index.html", "/media/dir/", "/media/dir/sub/y.txt", "/media/a.txt", "/media/dir" ]
--- error_code eval: [ 200, 200, 200, 403, 403, 403 ]



=== signs=parent: a token of the file itself is none of its directory
--- config eval: main::keyed("main.key signs=parent")
--- request eval: "GET " . signed("/media/dir/x.txt")
--- refused: 403



=== signs=path: a token of the directory serves no file in it
--- request eval: "GET /media/dir/x.txt?" . token_arg("/media/dir")
--- refused: 403



=== signs=parent: what makes the directory ambiguous is refused
--- config eval: main::keyed("main.key signs=parent", "add_header X-Reason \$crossdomain_media_reason always;")
--- request eval
[ "GET /media/dir%2Fx.txt?" . token_arg("/media/dir"),
  "GET /media/dir%2fx.txt?" . token_arg("/media"),
  "GET /media/dir//x.txt?" . token_arg("/media/dir/"),
  "GET /media/dir//x.txt?" . token_arg("/media/dir"),
  "GET /media//dir/x.txt?" . token_arg("/media//dir"),
  "GET /media/dir/%5Cx.txt?" . token_arg("/media/dir"),
  "GET /media/dir/a\\x.txt?" . token_arg("/media/dir") ]
--- refused: 403
--- response_headers eval: [ ("X-Reason: unsafe_path") x 7 ]



=== signs=parent with storage quoting
--- config eval: main::keyed("main.key signs=parent path=storage")
--- user_files eval: [ [ "media/a+b/x.txt", "private\n" ] ]
--- request eval: "GET /media/a+b/x.txt?" . token_arg("/media/a%2Bb")
--- granted



=== a token lives two minutes by default
--- request eval
[ "GET " . signed("/media/a.txt", at => -60), "GET " . signed("/media/a.txt", at => -125) ]
--- error_code eval: [ 200, 302 ]



=== max_age shortens a life
--- config eval: main::keyed("main.key", "crossdomain_media_max_age 30s;")
--- request eval: "GET " . signed("/media/a.txt", at => -60)
--- redirected: https://www.example.com/media/a.txt



=== max_age lengthens a life
--- config eval: main::keyed("main.key", "crossdomain_media_max_age 1h;")
--- request eval: [ "GET " . signed("/media/a.txt", at => -3000), "GET " . signed("/media/a.txt", at => -3660) ]
--- error_code eval: [ 200, 302 ]



=== leeway tolerates a clock that is behind
--- config eval: main::keyed("main.key", "crossdomain_media_max_age 30s; crossdomain_media_leeway 1h;")
--- request eval: [ "GET " . signed("/media/a.txt", at => -3000), "GET " . signed("/media/a.txt", at => -3700) ]
--- error_code eval: [ 200, 302 ]



=== a token of the future is granted, and the skew is logged
--- request eval: "GET " . signed("/media/a.txt", at => 5000)
--- granted
--- error_log eval
qr{crossdomain_media: granted, token dated (?:49\d\d|5000)s in the future, key: "main", uri: "/media/a.txt", client: }



=== a token of now is granted without a word
--- request eval: "GET " . signed("/media/a.txt")
--- granted
--- no_error_log eval: $Media::Logged



=== max_future refuses a token dated too far ahead
--- config eval: main::keyed("main.key id=main max_future=1h", "add_header X-Reason \$crossdomain_media_reason always;")
--- request eval: "GET " . signed("/media/a.txt", at => 7200)
--- refused: 403
--- response_headers
X-Reason: token_in_future
--- error_log
crossdomain_media: invalid, reason: token_in_future, key: "main",



=== max_future grants up to its limit
--- config eval: main::keyed("main.key max_future=1h")
--- request eval: "GET " . signed("/media/a.txt", at => 1800)
--- granted



=== time is looked at only after the signature: an old forgery is invalid, not expired
--- request eval: "GET " . signed("/media/a.txt", key => "other.key", at => -5000)
--- refused: 403



=== a token for PATH:REST does not serve PATH
--- config eval: main::keyed("main.key", "add_header X-Reason \$crossdomain_media_reason always;")
--- request eval
my $token = token("/media/a.txt:foo");
[ "GET /media/a.txt?token=foo:$token", "GET /media/a.txt?token=" . percent("foo:$token") ]
--- refused: 403
--- response_headers eval: [ ("X-Reason: token_malformed") x 2 ]



=== a signature is compared as text: no padding, no spare bits, nothing after it
--- request eval
my $token = token("/media/a.txt");
my $alphabet = CORE::join "", "A" .. "Z", "a" .. "z", 0 .. 9, "-_";
my $last = index $alphabet, substr $token, -1;
my $spare = substr($token, 0, -1) . substr $alphabet, $last ^ 1, 1;
[ map { "GET /media/a.txt?token=" . percent($_) }
    "$token=", $spare, "${token}A", "$token ", " $token", "$token\n", substr($token, 0, -1) ]
--- refused: 403



=== what is no token is invalid
--- config eval: main::keyed("main.key", "add_header X-Reason \$crossdomain_media_reason always;")
--- request eval
my ($signature) = token("/media/a.txt") =~ /:(.*)/;
[ map { "GET /media/a.txt?token=$_" } "x", ":", ":$signature", "1r31eq", "%ff:%fe", "1r31eq:$signature:", "1r31eq:$signature" . "x" x 99 ]
--- refused: 403
--- response_headers eval: [ ("X-Reason: token_malformed") x 7 ]



=== what is as long as a token but no signature of ours is a bad signature, and the rest malformed
--- config eval: main::keyed("main.key", "add_header X-Reason \$crossdomain_media_reason always;")
--- request eval
my ($signature) = token("/media/a.txt") =~ /:(.*)/;
[ map { "GET /media/a.txt?token=$_" } "x:", "1r31eq:%00", "1r31eq:%zz", "1r31eq:$signature", "0:$signature", "1r31eq:" . "A" x 43 ]
--- refused: 403
--- response_headers eval: [ ("X-Reason: token_malformed") x 3, ("X-Reason: bad_signature") x 3 ]



=== a birth that is no base62 number, or too large for a time, is malformed though signed
--- config eval: main::keyed("main.key", "add_header X-Reason \$crossdomain_media_reason always;")
--- request eval
[ map { "GET " . signed("/media/a.txt", born => $_) } "1r31e!", "z" x 12, "z" x 200, "", "-1", "1r31 eq" ]
--- refused: 403
--- response_headers eval: [ ("X-Reason: token_malformed") x 6 ]



=== a birth at the epoch has expired
--- request eval: "GET " . signed("/media/a.txt", born => "0")
--- redirected: https://www.example.com/media/a.txt



=== an empty token is invalid, not missing
--- config eval: main::keyed("main.key", "add_header X-Reason \$crossdomain_media_reason always;")
--- request eval: [ "GET /media/a.txt?token=", "GET /media/a.txt?token", "GET /media/a.txt?x&token&y" ]
--- refused: 403
--- response_headers eval: [ ("X-Reason: token_empty") x 3 ]



=== a repeated token is invalid, whichever of the two is good
--- config eval: main::keyed("main.key", "add_header X-Reason \$crossdomain_media_reason always;")
--- request eval
my $good = token_arg("/media/a.txt");
[ map { "GET /media/a.txt?$_" } "$good&token=x", "token=x&$good", "$good&$good", "$good&token=", "$good&token", "$good&t%6Fken=x" ]
--- refused: 403
--- response_headers eval: [ ("X-Reason: token_repeated") x 6 ]



=== names are compared with case, and only whole
--- config eval: main::keyed("main.key", "add_header X-Reason \$crossdomain_media_reason always;")
--- request eval
my $token = percent(token("/media/a.txt"));
[ map { "GET /media/a.txt?$_=$token" } "Token", "TOKEN", "token2", "xtoken", "x;token", "token%00", "tok%2565n" ]
--- error_code eval: [ (302) x 7 ]
--- response_headers eval: [ ("X-Reason: no_token") x 7 ]



=== names and values are decoded once, not twice
--- request eval
my $token = token("/media/a.txt");
[ "GET /media/a.txt?token=" . percent(percent($token)), "GET /media/a.txt?t%256Fken=" . percent($token) ]
--- error_code eval: [ 403, 302 ]



=== the token may have another name
--- config eval: main::keyed("main.key", "crossdomain_media_token arg:sig;")
--- request eval
my $token = percent(token("/media/a.txt"));
[ "GET /media/a.txt?sig=$token", "GET /media/a.txt?token=$token" ]
--- error_code eval: [ 200, 302 ]



=== sources are tried in order, and the first that grants decides
--- config eval: main::keyed("main.key", "crossdomain_media_token arg:token arg:sig; add_header X-Uri \$crossdomain_media_uri always;")
--- request eval
my $good = percent(token("/media/a.txt"));
[ "GET /media/a.txt?token=$good", "GET /media/a.txt?sig=$good", "GET /media/a.txt?token=x:y&sig=$good&k=v", "GET /media/a.txt?sig=x:y&token=$good" ]
--- granted
--- response_headers eval: [ "X-Uri: /media/a.txt", "X-Uri: /media/a.txt", "X-Uri: /media/a.txt?k=v", "X-Uri: /media/a.txt" ]



=== when no source grants, the first that was present gives the reason
--- config eval: main::keyed("main.key", "crossdomain_media_token arg:token arg:sig; add_header X-Reason \$crossdomain_media_reason always;")
--- request eval
my $old = percent(token("/media/a.txt", at => -5000));
my $forged = percent(token("/media/a.txt", key => "other.key"));
[ map { "GET /media/a.txt?$_" } "token=$old&sig=$forged", "sig=$old&token=$forged", "sig=$old", "x=1" ]
--- error_code eval: [ 302, 403, 302, 302 ]
--- response_headers eval: [ map { "X-Reason: $_" } "token_expired", "bad_signature", "token_expired", "no_token" ]



=== four sources may be named
--- config eval: main::keyed("main.key", "crossdomain_media_token arg:a arg:b arg:c arg:d;")
--- request eval
my $good = percent(token("/media/a.txt"));
[ map { "GET /media/a.txt?$_" } "d=$good", "a=x&b=x&c=x&d=$good" ]
--- granted



=== neither host nor query are signed
--- request eval: "GET " . signed("/media/a.txt") . "&anything=else"
--- more_headers
Host: another.example
--- granted



=== a doubled slash is signed as it is, also where nginx keeps it
--- config eval: "merge_slashes off; " . main::keyed("main.key")
--- request eval: [ "GET " . signed("/media//a.txt"), "GET " . signed("/media/a.txt") ]
--- granted
