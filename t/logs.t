# One line per refusal, at the level asked for; no token in any log once preaccess has run.
BEGIN {
    $ENV{TEST_NGINX_BINARY} = $ENV{TEST_NGINX_DEBUG_BINARY} if $ENV{TEST_NGINX_DEBUG_BINARY};
    # Whatever the others run at (nginx-test/debian.sh), this is about level debug too.
    delete $ENV{TEST_NGINX_LOG_LEVEL};
}
use lib 't/lib';
use Test::Nginx::Socket 'no_plan';
use Media;

# What nginx itself writes at debug level while it reads a request, before any module has a say.
our $Reading = qr/http request line: |http uri: |http args: |http header: |http2 |posix_memalign: |malloc: /;

# A step of ours, without which a block about that level would prove nothing.
our $Debug = qr/\[debug\] .*crossdomain_media: arg:token: a credential/;

# A token that stays the same while the suite runs, to look for it in any form.
our $Born = base62(time);
our ($Signature) = token("/media/a.txt", born => $Born) =~ /:(.+)/;

sub guarded {
    my ($more) = @_;
    return <<"CONFIG";
        location /media/ {
            crossdomain_media https://www.example.com;
            crossdomain_media_key \$TEST_NGINX_KEYS_DIR/main.key id=main;
            $more
        }
CONFIG
}

run_tests();

__DATA__

=== missing
--- request
GET /media/a.txt?x=1
--- redirected: https://www.example.com/media/a.txt?x=1
--- error_log
[info]
crossdomain_media: missing, reason: no_token, uri: "/media/a.txt?x=1", client: 127.0.0.1, server: localhost, request: "GET /media/a.txt?x=1 HTTP/1.1", host: "localhost"



=== expired: key and age are told
--- request eval: "GET " . signed("/media/a.txt", at => -5000) . "&x=1"
--- redirected: https://www.example.com/media/a.txt?x=1
--- error_log eval
[ qr{\[info\] .*crossdomain_media: expired, reason: token_expired, key: "main", age: 50\d\ds, uri: "/media/a\.txt\?x=1", client: 127\.0\.0\.1, server: localhost, request: "GET /media/a\.txt\?token=\*\*\*&x=1 HTTP/1\.1"} ]



=== an id that was not given is made up of nothing secret
--- config
    location /media/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
    }
--- request eval: "GET " . signed("/media/a.txt", at => -5000)
--- redirected: https://www.example.com/media/a.txt
--- no_error_log
main-test-only



=== invalid: neither key nor age are told, since nothing is believed
--- request eval: "GET " . signed("/media/a.txt", key => "other.key", at => -5000)
--- refused: 403
--- error_log
crossdomain_media: invalid, reason: bad_signature, uri: "/media/a.txt", client:



=== every reason is told by its name
--- request eval
my $good = token_arg("/media/a.txt");
[ "GET /media/a.txt?token=x:y:z", "GET /media/a.txt?token=", "GET /media/a.txt?$good&$good", "GET /media/./a.txt?$good" ]
--- error_code eval: [ (403) x 4 ]
--- grep_error_log eval: qr/crossdomain_media: \w+, reason: \w+/
--- grep_error_log_out eval: qr/^crossdomain_media: invalid, reason: (token_malformed|token_empty|token_repeated|unsafe_path)\n\z/



=== one line per refusal, and one only
--- request
GET /media/a.txt
--- redirected: https://www.example.com/media/a.txt
--- grep_error_log eval: qr/\[info\] .*(crossdomain_media: missing)/
--- grep_error_log_out eval: qr/\A[^\n]+\n\z/



=== a grant is not logged
--- request eval: "GET " . signed("/media/a.txt")
--- granted
--- no_error_log eval: $Media::Logged



=== level info is the default: an error log at notice does not have it
--- config eval: main::guarded("error_log logs/error.log notice;")
--- request
GET /media/a.txt
--- redirected: https://www.example.com/media/a.txt
--- no_error_log eval: $Media::Logged



=== level notice
--- config eval: main::guarded("crossdomain_media_log_level notice;")
--- request
GET /media/a.txt
--- redirected: https://www.example.com/media/a.txt
--- error_log eval: qr/\[notice\] .*crossdomain_media: missing, reason: no_token/



=== level warn
--- config eval: main::guarded("crossdomain_media_log_level warn;")
--- request
GET /media/a.txt
--- redirected: https://www.example.com/media/a.txt
--- error_log eval: qr/\[warn\] .*crossdomain_media: missing, reason: no_token/



=== level error
--- config eval: main::guarded("crossdomain_media_log_level error;")
--- request
GET /media/a.txt
--- redirected: https://www.example.com/media/a.txt
--- error_log eval: qr/\[error\] .*crossdomain_media: missing, reason: no_token/



=== a dry run says so
--- config eval: main::guarded("crossdomain_media_dry_run on;")
--- request
GET /media/a.txt?x=1
--- error_code: 200
--- error_log
crossdomain_media: dry run, missing, reason: no_token, uri: "/media/a.txt?x=1", client:



=== the access log has the token masked, whatever became of the request
--- request eval
[ "GET " . signed("/media/a.txt") . "&x=1", "GET " . signed("/media/a.txt", at => -5000), "GET /media/a.txt?a=1&token=forged" ]
--- error_code eval: [ 200, 302, 403 ]
--- no_access_log eval: [ qr/token=[^*]/, qr/forged/ ]



=== the access log shows where the token stood
--- request
GET /media/a.txt?a=1&token=forged&b=2&t%6Fken=again&token
--- refused: 403
--- access_log
"GET /media/a.txt?a=1&token=***&b=2&t%6Fken=***&token HTTP/1.1" 403



=== a named argument is masked, and no other
--- config eval: main::guarded("crossdomain_media_token arg:sig;")
--- request
GET /media/a.txt?sig=forged&token=public
--- refused: 403
--- access_log
"GET /media/a.txt?sig=***&token=public HTTP/1.1" 403



=== an absolute-form target is masked as well
--- raw_request eval: raw_get("http://media.example.org/media/a.txt?token=forged&x=1")
--- refused: 403
--- access_log
"GET http://media.example.org/media/a.txt?token=***&x=1 HTTP/1.1" 403
--- no_access_log
forged



=== $request_uri and $args in a log format have the token removed
--- http_config
    log_format uris 'uris: $request_uri $args $uri';
--- config eval: main::guarded("access_log logs/access.log uris;")
--- request eval: "GET " . signed("/media/a.txt") . "&x=1"
--- granted
--- access_log
uris: /media/a.txt?x=1 x=1 /media/a.txt



=== strip off leaves the request's line as it was
--- config eval: main::guarded("crossdomain_media_strip off;")
--- request
GET /media/a.txt?token=forged
--- refused: 403
--- access_log
"GET /media/a.txt?token=forged HTTP/1.1" 403



=== a byte that would break a log line is escaped
--- raw_request eval: raw_get("/media/\"\\\xff.txt")
--- error_code: 302
--- error_log eval
qr{uri: "/media/(?:%22|"|\\x22|\\")(?:%5C|\\|\\x5C|\\\\)(?:%FF|\\xFF|\xff)\.txt", client: }i



=== no token in the error log at debug level: granted
--- config eval: main::guarded("")
--- request eval: "GET " . signed("/media/a.txt", born => $main::Born) . "&x=1"
--- granted
--- error_log eval: $main::Debug
--- no_error_log eval: [ qr/^(?!.*(?:$main::Reading)).*(?:token=[^*]|\Q$main::Signature\E)/ ]



=== no token in the error log at debug level: refused
--- config eval: main::guarded("")
--- request
GET /media/a.txt?a=1&token=forged:forged&x=1
--- refused: 403
--- error_log eval: $main::Debug
--- no_error_log eval: [ qr/^(?!.*(?:$main::Reading)).*forged/ ]



=== no token in the error log at debug level: redirected
--- config eval: main::guarded("crossdomain_media_on invalid redirect;")
--- request
GET /media/a.txt?a=1&token=forged:forged&x=1
--- redirected: https://www.example.com/media/a.txt?a=1&x=1
--- error_log eval: $main::Debug
--- no_error_log eval: [ qr/^(?!.*(?:$main::Reading)).*forged/ ]



=== no token in the error log at debug level: an upstream that fails
--- config eval: main::guarded("proxy_pass http://unix:/nonexistent.sock;")
--- request eval: "GET " . signed("/media/a.txt", born => $main::Born) . "&x=1"
--- error_code: 502
--- error_log
crossdomain_media: arg:token: a credential
upstream: "http://unix:/nonexistent.sock:/media/a.txt?x=1"
request: "GET /media/a.txt?token=***&x=1 HTTP/1.1"
--- no_error_log eval: [ qr/^(?!.*(?:$main::Reading)).*(?:token=[^*]|\Q$main::Signature\E)/ ]



=== no key in the error log at debug level
--- request eval: "GET " . signed("/media/a.txt")
--- granted
--- error_log eval: $main::Debug
--- no_error_log
main-test-only



=== the access log has the token masked though another module refused
--- config eval: main::guarded("deny all;")
--- request
GET /media/a.txt?token=forged&x=1
--- error_code: 403
--- access_log
"GET /media/a.txt?token=***&x=1 HTTP/1.1" 403
--- no_error_log eval: qr/\[error\] .*forged/



=== a line that is too long is cut at its end, after the reason
--- request eval: "GET /media/" . "a" x 4000 . "?token=x"
--- refused: 403
--- error_log
crossdomain_media: invalid, reason: token_malformed, uri: "/media/aaa
