# Where a credential is carried: which ones count, in which order, and who sees them afterwards.
use v5.20;
use lib 't/lib';
use Test::Nginx::Socket 'no_plan';
use Media;
use Jwt;

our $Keys = <<'KEYS';
    crossdomain_media_key $TEST_NGINX_JWT_DIR/hs.key format=jwt id=jwt;
    crossdomain_media_key $TEST_NGINX_JWT_DIR/other.key format=jwt id=other;
    crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key id=django;
    crossdomain_media_max_age 1h;
KEYS

# A guarded site that takes credentials from these sources. What the verdict was, each response says.
sub guarded {
    my ($sources, $more) = @_;
    $more //= '';
    return <<"CONFIG";
    crossdomain_media_token $sources;
    location /media/ {
        crossdomain_media https://www.example.com;
        $Keys
        add_header X-Reason \$crossdomain_media_reason always;
        add_header X-Key "\$crossdomain_media_key_id." always;
        $more
    }
CONFIG
}

our $All = 'arg:token cookie:t header:Authorization path:~';

# Says what reached it.
our $Upstream = <<'CONFIG';
    server {
        listen $TEST_NGINX_UPSTREAM;
        add_header X-Seen "$request_uri|$http_cookie|$cookie_t|$cookie_a|$http_authorization|$http_x_token|$http_x_other";
        location / { root html; }
    }
CONFIG

our $Proxy = 'proxy_pass http://$TEST_NGINX_UPSTREAM;';

our $RawProxy = 'proxy_pass http://$TEST_NGINX_RAW_UPSTREAM; proxy_set_header Host upstream; proxy_set_header Connection close;';

# Tokens that hold, by the key's id; the end tells one token from another.
sub good { my ($id) = @_; return $id eq 'django' ? token('/media/a.txt') : jwt({ path => '/media/*' }, key => $id eq 'other' ? 'other.key' : 'hs.key') }
sub late { return jwt({ path => '/media/*', exp => time - 1 }) }
sub forged { return jwt({ path => '/media/*' }, secret => 'x' x 32) }
sub elsewhere { return jwt({ path => '/other/*' }) }

# Requests for the private file, with these header lines.
sub asks { my ($count) = @_; return [ ('GET /media/a.txt') x $count ] }

run_tests();

__DATA__

=== a JWT and a Django token travel by each source
--- config eval: main::guarded($main::All)
--- request eval
[ map { my $t = $_; ("GET /media/a.txt?token=" . percent($t), "GET /media/a.txt", "GET /media/a.txt", "GET /~$t/media/a.txt") } main::good("jwt"), main::good("django") ]
--- more_headers eval
[ map { ("", "Cookie: t=$_", "Authorization: Bearer $_", "") } main::good("jwt"), main::good("django") ]
--- reasons: valid valid valid valid valid valid valid valid
--- response_headers eval: [ map { ("X-Key: $_.") x 4 } "jwt", "django" ]



=== only the named source counts: argument
--- config eval: main::guarded("arg:token")
--- request eval: [ "GET /media/a.txt?token=" . main::good("jwt"), "GET /media/a.txt", "GET /media/a.txt", "GET /media/~" . main::good("jwt") . "/a.txt", "GET /media/a.txt?t=" . main::good("jwt") ]
--- more_headers eval: [ "", "Cookie: token=" . main::good("jwt"), "Authorization: Bearer " . main::good("jwt"), "", "" ]
--- reasons: valid no_token no_token no_token no_token



=== only the named source counts: cookie
--- config eval: main::guarded("cookie:t")
--- request eval: [ "GET /media/a.txt", "GET /media/a.txt?t=" . main::good("jwt"), "GET /media/a.txt", "GET /media/a.txt", "GET /media/~" . main::good("jwt") . "/a.txt" ]
--- more_headers eval: [ map { s/GOOD/main::good("jwt")/er } "Cookie: t=GOOD", "", "T: GOOD", "Authorization: Bearer GOOD", "" ]
--- reasons: valid no_token no_token no_token no_token



=== only the named source counts: header
--- config eval: main::guarded("header:X-Token")
--- request eval: [ "GET /media/a.txt", "GET /media/a.txt?X-Token=" . main::good("jwt"), "GET /media/a.txt", "GET /media/a.txt", "GET /media/a.txt" ]
--- more_headers eval: [ map { s/GOOD/main::good("jwt")/er } "x-tOKEN: GOOD", "", "Cookie: X-Token=GOOD", "Authorization: Bearer GOOD", "X-Token-: GOOD" ]
--- reasons: valid no_token no_token no_token no_token



=== only the named source counts: path
--- config eval: main::guarded("path:~")
--- request eval: [ "GET /media/~" . main::good("jwt") . "/a.txt", "GET /media/a.txt?token=" . main::good("jwt"), "GET /media/a.txt", "GET /media/a.txt" ]
--- more_headers eval: [ map { s/GOOD/main::good("jwt")/er } "", "", "Cookie: t=GOOD", "Authorization: Bearer GOOD" ]
--- reasons: valid no_token no_token no_token



=== the first source that grants decides
--- config eval: main::guarded("header:X-Token cookie:t arg:token path:~")
--- request eval
my ($a, $b, $c) = map { main::good($_) } "jwt", "other", "django";
[ "GET /media/a.txt?token=$a", "GET /media/a.txt?token=$a", "GET /media/~$a/a.txt?token=$b", "GET /media/~$a/a.txt?token=" . main::forged(), "GET /media/~" . main::forged() . "/a.txt?token=$a" ]
--- more_headers eval
my ($a, $b, $c) = map { main::good($_) } "jwt", "other", "django";
[ "Cookie: t=$b\nX-Token: $c", "Cookie: t=$b\nX-Token: " . main::forged(), "", "Cookie: t=" . main::late(), "Cookie: t=x" ]
--- reasons: valid valid valid valid valid
--- response_headers eval: [ map { "X-Key: $_." } "django", "other", "other", "jwt", "jwt" ]



=== otherwise the first that is there gives the reason
--- config eval: main::guarded("header:X-Token cookie:t arg:token path:~")
--- request eval
[ "GET /media/a.txt?token=" . main::late(), "GET /media/a.txt?token=" . main::late(), "GET /media/~" . main::forged() . "/a.txt?token=" . main::late(), "GET /media/~" . main::forged() . "/a.txt", "GET /media/a.txt?token=" . main::elsewhere() ]
--- more_headers eval: [ "Cookie: t=" . main::forged(), "X-Token: " . main::elsewhere(), "", "", "X-Token: Basic x\nCookie: s=x" ]
--- reasons: bad_signature wrong_path token_expired bad_signature wrong_path



=== cookies in the order of the header, the first bad
--- config eval: main::guarded("cookie:t")
--- request eval: main::asks(7)
--- more_headers eval
my ($a, $b, $f, $l) = (main::good("jwt"), main::good("other"), main::forged(), main::late());
[ "Cookie: t=$a; t=$b", "Cookie: t=$f; t=$b; t=$a", "Cookie: x=1; t=$f; y=2; t=$a", "Cookie: t=$l; t=$f", "Cookie: t=$f; t=$l", "Cookie: t=; t=$a", "Cookie: t=$f\nCookie: t=$b" ]
--- reasons: valid valid valid token_expired bad_signature valid valid
--- response_headers eval: [ map { "X-Key: $_." } "jwt", "other", "jwt", "", "", "jwt", "other" ]



=== what is a cookie of that name
--- config eval: main::guarded("cookie:t")
--- request eval: main::asks(10)
--- more_headers eval
[ map { s/GOOD/main::good("jwt")/er } "Cookie: t=GOOD;", "Cookie: t=\"GOOD\"", "Cookie:t=GOOD", "Cookie: a=1;t=GOOD;b=2", "Cookie: a=1 ;  t = GOOD  ; b", "cookie: t=GOOD", "Cookie: T=GOOD", "Cookie: tt=GOOD; xt=GOOD", "Cookie: t", "Cookie: a=\"x; y\"; s=t=GOOD" ]
--- reasons: valid valid valid valid valid valid no_token no_token no_token no_token



=== a cookie without a value
--- config eval: main::guarded("cookie:t")
--- request eval: main::asks(4)
--- more_headers eval: [ "Cookie: t=", "Cookie: t=\"\"", "Cookie: t= ; a=1", "Cookie: ; ;;" ]
--- reasons: token_empty token_empty token_empty no_token



=== escapes in a cookie are undone, once
--- config eval: main::guarded("cookie:t")
--- request eval: main::asks(2)
--- more_headers eval: [ "Cookie: t=" . percent(main::good("django")), "Cookie: t=" . percent(percent(main::good("django"))) ]
--- reasons: valid token_malformed



=== a header with and without Bearer
--- config eval: main::guarded("header:Authorization")
--- request eval: main::asks(6)
--- more_headers eval
[ map { s/GOOD/main::good("jwt")/er } "Authorization: Bearer GOOD", "Authorization: bearer GOOD", "Authorization: BEARER   GOOD", "Authorization: GOOD", "authorization: Bearer GOOD ", "Authorization:Bearer\tGOOD" ]
--- reasons: valid valid valid valid valid valid



=== other schemes of authentication are not for the guard
--- config eval: main::guarded("header:Authorization")
--- request eval: main::asks(5)
--- more_headers eval
[ map { s/GOOD/main::good("jwt")/er } "Authorization: Basic dTpw", "Authorization: Basic GOOD", "Authorization: Digest username=\"x\", token=GOOD", "Authorization: Token GOOD", "Authorization: Bearer: GOOD" ]
--- reasons: no_token no_token no_token no_token no_token



=== a Bearer that holds nothing, or too much
--- config eval: main::guarded("header:Authorization")
--- request eval: main::asks(5)
--- more_headers eval
[ map { s/GOOD/main::good("jwt")/er } "Authorization: Bearer", "Authorization: Bearer ", "Authorization:", "Authorization: Bearer GOOD x", "Authorization: Bearer GOOD, Bearer x" ]
--- reasons: token_empty token_empty token_empty token_malformed token_malformed



=== a header twice
--- config eval: main::guarded("header:X-Token")
--- request eval: main::asks(4)
--- more_headers eval
my $t = main::good("jwt");
[ "X-Token: $t\nX-Token: $t", "X-Token: $t\nx-token:", "X-Token: Basic x\nX-Token: $t", "X-Token: $t\nX-Token2: $t" ]
--- reasons: token_repeated token_repeated valid valid



=== an argument twice, and a good cookie
--- config eval: main::guarded("arg:token cookie:t")
--- request eval: [ "GET /media/a.txt?token=x&token=y", "GET /media/a.txt?token=x&token=y", "GET /media/a.txt?token=", "GET /media/a.txt?token" ]
--- more_headers eval: [ "", "Cookie: t=" . main::good("jwt"), "Cookie: t=" . main::good("jwt"), "" ]
--- reasons: token_repeated valid valid token_empty



=== at most four credentials are looked at
--- config eval: main::guarded("cookie:t arg:token")
--- request eval: [ map { "GET /media/a.txt" . ($_ ? "?token=" . main::good("jwt") : "") } 0, 0, 1, 1, 0 ]
--- more_headers eval
my ($t, $f) = (main::good("jwt"), jwt({ path => "/media/*" }, secret => "x" x 32, header => { kid => "jwt" }));
my $bad = sub { "Cookie: " . CORE::join("; ", ("t=$f") x $_[0], @_[ 1 .. $#_ ]) };
# One of the four is for the argument.
[ $bad->(2, "t=$t"), $bad->(3, "t=$t"), $bad->(3), $bad->(4), $bad->(0, ("t=x") x 4, "t=$t") ]
--- reasons: valid bad_signature valid valid token_malformed



=== at most four signatures are computed
--- config eval: main::guarded("cookie:t")
--- request eval: main::asks(3)
--- more_headers eval
# Without a key id, each of the two JWT keys is tried.
my ($f, $t, $o) = (main::forged(), main::good("jwt"), main::good("other"));
[ "Cookie: t=$f; t=$o", "Cookie: t=$f; t=$f; t=$t", "Cookie: t=$f; t=x; t=$o" ]
--- reasons: valid bad_signature valid
--- response_headers eval: [ map { "X-Key: $_." } "other", "", "other" ]



=== an upstream sees neither the cookie nor the header
--- http_config eval: $main::Upstream
--- config eval: main::guarded("cookie:t header:Authorization header:X-Token", $main::Proxy)
--- request eval: main::asks(3)
--- more_headers eval
my $t = main::good("jwt");
[ "Cookie: a=1; t=$t; b=2\nX-Other: 3", "Authorization: Bearer $t\nCookie: a=1", "X-Token: $t\nAuthorization: Basic dTpw" ]
--- reasons: valid valid valid
--- response_headers eval
[ map { "X-Seen: /media/a.txt|$_" } "a=1; b=2||1|||3", "a=1||1|||", "|||Basic dTpw||" ]



=== every credential is taken out, whichever decides
--- http_config eval: $main::Upstream
--- config eval: main::guarded("cookie:t header:Authorization header:X-Token arg:token", $main::Proxy)
--- request eval: "GET /media/a.txt?x=1&token=" . main::good("jwt")
--- more_headers eval: "Cookie: t=x; a=1; t=" . main::good("jwt") . "\nCookie: t=y\nAuthorization: Bearer z\nX-Token: x\nX-Token: y"
--- reasons: valid
--- response_headers
X-Seen: /media/a.txt?x=1|a=1||1|||



=== other cookies stay byte for byte
--- http_config eval: $main::Upstream
--- config eval: main::guarded("cookie:t", $main::Proxy)
--- request eval: main::asks(5)
--- more_headers eval
[ map { s/GOOD/main::good("jwt")/er } "Cookie: a=1;b=\"x y\" ;t=GOOD;c", "Cookie: t=GOOD;  a=1", "Cookie: a==;; t=GOOD; b", "Cookie: a=%20; S=2; t=GOOD", "Cookie: t=GOOD; a=t=x" ]
--- reasons: valid valid valid valid valid
--- response_headers eval
[ map { "X-Seen: /media/a.txt|$_" } "a=1;b=\"x y\" ;c||1|||", "a=1||1|||", "a==; b||=|||", "a=%20; S=2||%20|||", "a=t=x||t=x|||" ]



=== an upstream gets no empty Cookie line
--- config eval: main::guarded("cookie:t", $main::RawProxy)
--- request
GET /media/a.txt
--- more_headers eval: "X-First: 1\nCookie: t=" . main::good("jwt") . "\nX-Last: 2"
--- upstream_gets eval: [ "GET /media/a.txt HTTP/1.0", "Host: upstream", "Connection: close", "X-First: 1", "X-Last: 2" ]
--- reasons: valid



=== an upstream gets no empty Authorization line
--- config eval: main::guarded("header:Authorization", $main::RawProxy)
--- request
GET /media/a.txt
--- more_headers eval: "Authorization: Bearer " . main::good("jwt") . "\nX-Last: 2"
--- upstream_gets eval: [ "GET /media/a.txt HTTP/1.0", "Host: upstream", "Connection: close", "X-Last: 2" ]
--- reasons: valid



=== an upstream gets all other lines, however many
--- config eval: main::guarded("cookie:t header:X-Token", $main::RawProxy)
--- request
GET /media/a.txt
--- more_headers eval
my $t = main::good("jwt");
CORE::join "\n", "Cookie: t=$t", (map { "X-$_: $_" } 1 .. 18), "Cookie: a=1; t=$t", (map { "Y-$_: $_" } 1 .. 30), "X-Token: $t", "Cookie: t=$t", "Cookie: t=x"
--- upstream_gets eval: [ "GET /media/a.txt HTTP/1.0", "Host: upstream", "Connection: close", (map { "X-$_: $_" } 1 .. 18), "Cookie: a=1", (map { "Y-$_: $_" } 1 .. 30) ]
--- reasons: valid



=== a lone credential line: nothing is left of the list
--- config eval: main::guarded("header:X-Token", $main::RawProxy)
--- raw_request eval: "GET /media/a.txt HTTP/1.0\r\nX-Token: " . main::good("jwt") . "\r\n\r\n"
--- upstream_gets eval: [ "GET /media/a.txt HTTP/1.0", "Host: upstream", "Connection: close" ]
--- error_code: 200
--- response_body
private



=== an empty line that is not the guard's stays
--- config eval: main::guarded("cookie:t", $main::RawProxy)
--- request
GET /media/a.txt
--- more_headers eval: "X-Empty:\nCookie: t=" . main::good("jwt")
--- upstream_gets eval: [ "GET /media/a.txt HTTP/1.0", "Host: upstream", "Connection: close", "X-Empty: " ]
--- reasons: valid



=== nginx's own variables show no credential
--- config eval
main::guarded("cookie:t header:Authorization header:X-Token", 'add_header X-Seen "$http_cookie|$cookie_t|$cookie_a|$http_authorization|$http_x_token" always;')
--- request eval: [ ("GET /media/a.txt") x 4 ]
--- more_headers eval
my $t = main::good("jwt");
[ "Cookie: a=1; t=$t", "Authorization: Bearer $t", "X-Token: $t", "Cookie: t=x; a=2\nX-Token: y" ]
--- reasons: valid valid valid token_malformed
--- response_headers eval: [ map { "X-Seen: $_" } "a=1||1||", "||||", "||||", "a=2||2||" ]



=== nor do they if an earlier phase looked at them
--- config eval
"set \$early \"\$http_cookie|\$http_x_token|\$cookie_t\";" . main::guarded("cookie:t header:X-Token", 'set $inner "$http_cookie|$http_x_token"; add_header X-Seen "$http_cookie|$http_x_token|$cookie_t" always;')
--- request eval: main::asks(2)
--- more_headers eval: [ "Cookie: a=1; t=" . main::good("jwt"), "X-Token: " . main::good("jwt") ]
--- reasons: valid valid
--- response_headers eval: [ "X-Seen: a=1||", "X-Seen: ||" ]



=== an access log shows no credential
--- http_config
    log_format seen 'seen $http_cookie|$cookie_t|$http_authorization|';
--- config eval: main::guarded("cookie:t header:Authorization", "access_log logs/access.log seen;")
--- request eval: "GET /media/a.txt"
--- more_headers eval: "Cookie: a=1; t=" . main::good("jwt") . "\nAuthorization: Bearer " . main::good("jwt")
--- reasons: valid
--- access_log
seen a=1|-|-|
--- no_access_log
eyJ
--- no_error_log
eyJ



=== the log names the reason, and never the credential
--- config eval: main::guarded("cookie:t header:X-Token")
--- request eval: "GET /media/a.txt"
--- more_headers eval: "Cookie: t=" . main::elsewhere() . "\nX-Token: " . main::forged()
--- reasons: wrong_path
--- error_log
crossdomain_media: invalid, reason: wrong_path, key: "jwt", uri: "/media/a.txt", client: 127.0.0.1
--- no_error_log
eyJ



=== strip off: upstreams see everything
--- http_config eval: $main::Upstream
--- config eval: main::guarded("cookie:t header:X-Token arg:token", "crossdomain_media_strip off; $main::Proxy")
--- request eval: "GET /media/a.txt?token=x"
--- more_headers eval: "Cookie: a=1; t=y\nX-Token: " . main::good("jwt")
--- error_code: 200
--- response_headers_like
X-Reason: valid
X-Seen: /media/a.txt\?token=x\|a=1; t=y\|y\|1\|\|eyJ.*
Cache-Control: private



=== a dry run strips too
--- http_config eval: $main::Upstream
--- config eval: main::guarded("cookie:t header:X-Token", "crossdomain_media_dry_run on; $main::Proxy")
--- request eval: main::asks(2)
--- more_headers eval: [ "Cookie: a=1; t=" . main::forged(), "X-Token: " . main::good("jwt") ]
--- error_code eval: [ 200, 200 ]
--- response_body eval: [ ("private\n") x 2 ]
--- response_headers eval: [ "X-Reason: bad_signature\nX-Seen: /media/a.txt|a=1||1|||", "X-Reason: valid\nX-Seen: /media/a.txt||||||" ]



=== satisfy any: an allowed address grants, and the credential is gone all the same
--- http_config eval: $main::Upstream
--- config eval: main::guarded("cookie:t", "satisfy any; allow 127.0.0.1; deny all; $main::Proxy")
--- request eval: "GET /media/a.txt"
--- more_headers eval: "Cookie: a=1; t=" . main::forged()
--- error_code: 200
--- response_body
private
--- response_headers
X-Seen: /media/a.txt|a=1||1|||



=== auth_request's subrequest sees no credential
--- http_config eval: $main::Upstream
--- config eval
main::guarded("cookie:t", "auth_request /auth; auth_request_set \$seen \$upstream_http_x_seen; add_header X-Auth \$seen always;") .
    "location = /auth { internal; proxy_pass http://\$TEST_NGINX_UPSTREAM:/media/b.txt; }"
--- request eval: "GET /media/a.txt"
--- more_headers eval: "Cookie: a=1; t=" . main::good("jwt")
--- reasons: valid
--- response_headers
X-Auth: /media/b.txt|a=1||1|||



=== auth_basic beside a Bearer of the guard's
--- config eval
my $conf = "$ENV{TEST_NGINX_SERVER_ROOT}/conf/htpasswd";
main::guarded("header:X-Token cookie:t", "satisfy all; auth_basic site; auth_basic_user_file $conf;")
--- user_files
>>> ../conf/htpasswd
u:{PLAIN}p
>>> media/a.txt
private
--- request eval: main::asks(3)
--- more_headers eval: [ "Authorization: Basic dTpw\nX-Token: " . main::good("jwt"), "Authorization: Basic dTpw", "X-Token: " . main::good("jwt") ]
--- error_code eval: [ 200, 302, 401 ]



=== an error page decides nothing anew, and sees no credential
--- http_config eval: $main::Upstream
--- config eval
main::guarded("cookie:t", "error_page 403 /denied;") . "location = /denied { $main::Proxy }"
--- user_files
>>> denied
sorry
--- request eval: "GET /media/a.txt"
--- more_headers eval: "Cookie: a=1; t=" . main::forged()
--- error_code: 403
--- response_body
sorry
--- response_headers
X-Seen: /denied|a=1||1|||
Cache-Control: no-store
Vary: Cookie



=== a named location sees no credential
--- http_config eval: $main::Upstream
--- config eval
main::guarded("cookie:t", "crossdomain_media_on invalid \@app;") . "location \@app { $main::Proxy }"
--- request eval: "GET /media/a.txt"
--- more_headers eval: "Cookie: a=1; t=" . main::forged()
--- error_code: 200
--- response_headers
X-Seen: /media/a.txt|a=1||1|||



=== an internal redirect is decided by the cookie that was taken out
--- config eval: main::guarded("cookie:t header:X-Token", "index x.txt;")
--- user_files
>>> media/x.txt
private
--- request eval: [ ("GET /media/") x 4 ]
--- more_headers eval: [ "Cookie: t=" . main::good("jwt"), "X-Token: " . main::good("jwt"), "Cookie: t=" . main::forged(), "" ]
--- reasons: valid valid bad_signature no_token



=== try_files
--- config eval: main::guarded("cookie:t", "try_files /none /media/none /media/dir/x.txt =404;")
--- user_files
>>> media/dir/x.txt
private
--- request eval: main::asks(2)
--- more_headers eval: [ "Cookie: t=" . main::good("jwt"), "" ]
--- reasons: valid no_token



=== try_files into another guarded location
--- config eval: main::guarded("cookie:t header:X-Token", "try_files /none /media/second/a.txt;") =~ s/(location \/media\/.*)/$1/sr . main::guarded("cookie:t") =~ s/crossdomain_media_token[^;]*;//r =~ s{/media/}{/media/second/}r
--- user_files
>>> media/second/a.txt
private
--- request eval: main::asks(3)
--- more_headers eval: [ "Cookie: t=" . main::good("jwt"), "X-Token: " . main::good("jwt"), "Cookie: t=" . main::elsewhere() ]
--- reasons: valid valid wrong_path



=== X-Accel-Redirect into a guarded location
--- http_config
    server {
        listen $TEST_NGINX_UPSTREAM;
        location / { add_header X-Accel-Redirect /media/a.txt; add_header X-Seen $http_cookie; return 200; }
    }
--- config eval
main::guarded("cookie:t header:X-Token") . "location /front/ { crossdomain_media https://www.example.com; $main::Keys $main::Proxy }"
--- request eval: [ ("GET /front/a.txt") x 3 ]
--- more_headers eval
my $t = jwt({ path => "/front/*" });
[ "Cookie: t=$t", "X-Token: $t", "Cookie: t=" . main::good("jwt") ]
--- error_code eval: [ 200, 200, 403 ]
--- response_body eval: [ "private\n", "private\n", qr/403 Forbidden/ ]



=== a URL that evaluates to off gives the request its lines back
--- http_config eval
"map \$uri \$app { volatile; default https://www.example.com; ~^/media/public/ off; } $main::Upstream"
--- config eval: main::guarded("cookie:t header:X-Token", $main::Proxy) =~ s{https://www.example.com}{\$app}r
--- user_files
>>> media/public/p.txt
private
>>> media/a.txt
private
--- request eval: [ "GET /media/public/p.txt", "GET /media/public/p.txt", "GET /media/a.txt" ]
--- more_headers eval: [ "Cookie: a=1; t=x", "X-Token: y\nCookie: t=x", "Cookie: a=1; t=" . main::good("jwt") ]
--- error_code eval: [ 200, 200, 200 ]
--- response_headers eval
[ "X-Seen: /media/public/p.txt|a=1; t=x|x|1|||\n! Vary\n! Cache-Control", "X-Seen: /media/public/p.txt|t=x|x|||y|\n! Vary\n! Cache-Control", "X-Seen: /media/a.txt|a=1||1|||\nVary: Cookie, X-Token\nCache-Control: private" ]



=== an unguarded location passes everything on
--- http_config eval: $main::Upstream
--- config eval: "crossdomain_media_token cookie:t header:X-Token; location /media/ { $main::Proxy }"
--- request eval: "GET /media/a.txt"
--- more_headers
Cookie: a=1; t=x
X-Token: y
--- response_headers
X-Seen: /media/a.txt|a=1; t=x|x|1||y|
! Vary
! Cache-Control



=== no shared cache keeps what was granted to one viewer
--- config eval: main::guarded($main::All)
--- request eval: [ "GET /media/a.txt", "GET /media/a.txt", "GET /media/~" . main::good("jwt") . "/a.txt", "GET /media/a.txt?token=" . main::good("jwt") ]
--- more_headers eval: [ "Cookie: t=" . main::good("jwt"), "Authorization: Bearer " . main::good("jwt"), "", "" ]
--- reasons: valid valid valid valid
--- response_headers eval
[ "Cache-Control: private\n! Referrer-Policy", "Cache-Control: private\n! Referrer-Policy", "Cache-Control: private\nReferrer-Policy: no-referrer", "! Cache-Control\nReferrer-Policy: no-referrer" ]



=== a refusal by cookie is stored nowhere
--- config eval: main::guarded("cookie:t header:X-Token")
--- request eval: main::asks(2)
--- more_headers eval: [ "Cookie: t=" . main::forged(), "" ]
--- reasons: bad_signature no_token
--- response_headers eval: [ ("Cache-Control: no-store\nVary: Cookie, X-Token") x 2 ]



=== private stands beside what expires says
--- config eval: main::guarded("cookie:t arg:token", "expires 1h;")
--- request eval: [ "GET /media/a.txt", "GET /media/a.txt?token=" . main::good("jwt") ]
--- more_headers eval: [ "Cookie: t=" . main::good("jwt"), "" ]
--- reasons: valid valid
--- response_headers eval: [ "Cache-Control: max-age=3600, private", "Cache-Control: max-age=3600" ]



=== what invites shared caches is taken back
--- config eval
main::guarded("cookie:t", 'add_header Cache-Control "public, max-age=60, s-maxage=600"; add_header Cache-Control PUBLIC; add_header CDN-Cache-Control max-age=600; add_header Surrogate-Control max-age=600;')
--- request eval: "GET /media/a.txt"
--- more_headers eval: "Cookie: t=" . main::good("jwt")
--- reasons: valid
--- response_headers
Cache-Control: max-age=60, private
! CDN-Cache-Control
! Surrogate-Control



=== what an upstream says of shared caches is taken back
--- http_config
    server {
        listen $TEST_NGINX_UPSTREAM;
        location / {
            add_header Cache-Control "s-maxage=600, Public , must-revalidate"; add_header CDN-Cache-Control max-age=600; add_header Vary Origin;
            return 200 "private\n";
        }
    }
--- config eval: main::guarded("cookie:t arg:token", $main::Proxy)
--- request eval: [ "GET /media/a.txt", "GET /media/a.txt?token=" . main::good("jwt") ]
--- more_headers eval: [ "Cookie: t=" . main::good("jwt"), "" ]
--- reasons: valid valid
--- response_headers eval
[ "Cache-Control: must-revalidate, private\n! CDN-Cache-Control\nVary: Origin, Cookie", "Cache-Control: s-maxage=600, Public , must-revalidate\nCDN-Cache-Control: max-age=600\nVary: Origin, Cookie" ]



=== no-store stays
--- config eval: main::guarded("cookie:t", "add_header Cache-Control no-store;")
--- request eval: "GET /media/a.txt"
--- more_headers eval: "Cookie: t=" . main::good("jwt")
--- reasons: valid
--- response_headers
Cache-Control: no-store, private



=== 304 and 206 are private too
--- config eval: main::guarded("cookie:t", "if_modified_since before;")
--- user_files eval: [ [ "media/a.txt", "private\n", 200001010000 ] ]
--- request eval: main::asks(2)
--- more_headers eval: [ "If-Modified-Since: Sat, 01 Jan 2050 00:00:00 GMT\nCookie: t=" . main::good("jwt"), "Range: bytes=0-2\nCookie: t=" . main::good("jwt") ]
--- error_code eval: [ 304, 206 ]
--- response_body eval: [ "", "pri" ]
--- response_headers eval: [ ("Cache-Control: private\nVary: Cookie") x 2 ]



=== Vary names what was looked at, on every response
--- config eval: main::guarded($main::All) . "location /media/arg/ { crossdomain_media https://www.example.com; $main::Keys crossdomain_media_token arg:token; }"
--- request eval: [ "GET /media/a.txt?token=" . main::good("jwt"), "GET /media/a.txt", "GET /media/none?token=" . main::good("jwt"), "GET /media/arg/a.txt" ]
--- error_code eval: [ 200, 302, 404, 302 ]
--- response_headers eval: [ ("Vary: Cookie, Authorization") x 3, "! Vary" ]



=== Vary names a header once
--- config eval: main::guarded("cookie:t header:X-Token cookie:s")
--- request eval: "GET /media/a.txt"
--- more_headers eval: "Cookie: t=" . main::good("jwt")
--- reasons: valid
--- response_headers
Vary: Cookie, X-Token



=== Vary beside that of gzip
--- config eval: main::guarded("cookie:t", "gzip on; gzip_vary on; gzip_types text/plain; gzip_min_length 1;")
--- request eval: "GET /media/a.txt"
--- more_headers eval: "Accept-Encoding: gzip\nCookie: t=" . main::good("jwt")
--- error_code: 200
--- response_body_unlike: private
--- response_headers_like
Content-Encoding: gzip
Vary: (?:Cookie, Accept-Encoding|Accept-Encoding, Cookie)
Cache-Control: private



=== proxy_cache: one entry for all who are granted, and none for others
--- http_config eval: "proxy_cache_path \$TEST_NGINX_SERVER_ROOT/media_cache keys_zone=media:1m; $main::Upstream"
--- config eval
main::guarded("cookie:t header:X-Token", "proxy_cache media; proxy_cache_valid any 1m; add_header X-Cache \$upstream_cache_status always; $main::Proxy")
--- request eval: main::asks(4)
--- more_headers eval: [ "Cookie: t=" . main::good("jwt"), "X-Token: " . main::good("other"), "", "Cookie: t=" . main::forged() ]
--- reasons: valid valid no_token bad_signature
--- response_headers eval: [ "X-Cache: MISS\nCache-Control: private", "X-Cache: HIT\nCache-Control: private", "! X-Cache", "! X-Cache" ]



=== HTTP/2: a cookie
--- http2
--- http_config eval: $main::Upstream
--- config eval: main::guarded("cookie:t", $main::Proxy)
--- request eval: "GET /media/a.txt"
--- more_headers eval: "Cookie: a=1; t=" . main::good("jwt") . "; b=2"
--- error_code: 200
--- response_body
private
--- response_headers
X-Seen: /media/a.txt|a=1; b=2||1|||
Cache-Control: private
Vary: Cookie



=== HTTP/2: cookies that come one by one
--- http2
--- http_config eval: $main::Upstream
--- config eval: main::guarded("cookie:t", $main::Proxy)
--- request eval: "GET /media/a.txt"
--- more_headers eval: "Cookie: a=1\nCookie: t=x\nCookie: t=" . main::good("jwt") . "\nCookie: b=2"
--- error_code: 200
--- response_body
private
--- response_headers
X-Seen: /media/a.txt|a=1; b=2||1|||



=== HTTP/2: an upstream gets no empty line
--- http2
--- config eval: main::guarded("cookie:t", "$main::RawProxy proxy_set_header User-Agent ''; proxy_set_header Accept '';")
--- request eval: "GET /media/a.txt"
--- more_headers eval: "Cookie: t=" . main::good("jwt")
--- upstream_gets eval: [ "GET /media/a.txt HTTP/1.0", "Host: upstream", "Connection: close" ]
--- error_code: 200
--- response_body
private



=== HTTP/2: a header
--- http2
--- http_config eval: $main::Upstream
--- config eval: main::guarded("header:Authorization", $main::Proxy)
--- request eval: "GET /media/a.txt"
--- more_headers eval: "Authorization: Bearer " . main::good("jwt")
--- error_code: 200
--- response_body
private
--- response_headers
X-Seen: /media/a.txt||||||
Vary: Authorization



=== HTTP/2: a bad cookie
--- http2
--- config eval: main::guarded("cookie:t")
--- request eval: "GET /media/a.txt"
--- more_headers eval: "Cookie: t=" . main::forged()
--- error_code: 403
--- response_headers
X-Reason: bad_signature



=== keepalive: what one request carried is not the next one's
--- config eval: main::guarded("cookie:t header:X-Token")
--- pipelined_requests eval: [ "GET /media/a.txt", "GET /media/a.txt", "GET /media/a.txt" ]
--- more_headers eval: [ "Cookie: t=" . main::good("jwt"), "", "X-Token: " . main::good("other") ]
--- reasons: valid no_token valid



=== sources are inherited, or replaced all together
--- config eval
"crossdomain_media https://www.example.com; $main::Keys crossdomain_media_token cookie:t header:X-Token; add_header X-Reason \$crossdomain_media_reason always;
 location /media/ { location /media/dir/ { crossdomain_media_token header:X-Token; } }"
--- user_files eval: [ map { [ $_, "private\n" ] } "media/a.txt", "media/dir/a.txt" ]
--- request eval: [ "GET /media/a.txt", "GET /media/a.txt", "GET /media/dir/a.txt", "GET /media/dir/a.txt", "GET /media/dir/a.txt?token=" . main::good("jwt") ]
--- more_headers eval: [ map { s/GOOD/main::good("jwt")/er } "Cookie: t=GOOD", "X-Token: GOOD", "Cookie: t=GOOD", "X-Token: GOOD", "" ]
--- reasons: valid valid no_token valid no_token
--- response_headers eval: [ "Vary: Cookie, X-Token", "Vary: Cookie, X-Token", "Vary: X-Token", "Vary: X-Token", "Vary: X-Token" ]



=== what another location takes out is not this one's business
--- http_config eval: $main::Upstream
--- config eval: main::guarded("cookie:t") . "location /open/ { $main::Proxy }"
--- request eval: "GET /open/a.txt"
--- more_headers
Cookie: t=x
--- response_headers
X-Seen: /open/a.txt|t=x|x||||



=== four sources, and not five
--- config eval: main::guarded("cookie:a cookie:b header:c arg:d arg:e")
--- must_die
--- error_log
crossdomain_media_token: arg:e: expected at most 4 sources in



=== a source twice
--- config eval: main::guarded("cookie:a header:X-A cookie:a")
--- must_die
--- error_log
crossdomain_media_token: cookie:a: is given twice in



=== a header twice, in another case
--- config eval: main::guarded("header:X-Token header:x-token")
--- must_die
--- error_log
crossdomain_media_token: header:x-token: is given twice in



=== a cookie's name
--- config eval: main::guarded("cookie:a=b")
--- must_die
--- error_log
crossdomain_media_token: cookie:a=b: expected a name of letters, digits and "!#$%&'*+-.^_`|~" in



=== a header's name
--- config eval: main::guarded("header:")
--- must_die
--- error_log
crossdomain_media_token: header:: expected a name of letters, digits and "!#$%&'*+-.^_`|~" in



=== the Cookie header is not for credentials
--- config eval: main::guarded("header:cookie")
--- must_die
--- error_log
crossdomain_media_token: header:cookie: this header is not for credentials: use cookie:NAME in



=== the Host header is not for credentials
--- config eval: main::guarded("header:Host")
--- must_die
--- error_log
crossdomain_media_token: header:Host: this header is not for credentials in



=== headers that frame the request are not for credentials
--- config eval: main::guarded("header:transfer-encoding")
--- must_die
--- error_log
crossdomain_media_token: header:transfer-encoding: this header is not for credentials in



=== a path is cut before there is a location
--- config eval: "location /media/ { crossdomain_media https://www.example.com; $main::Keys crossdomain_media_token path:~; }"
--- must_die
--- error_log
crossdomain_media_token: path:~: is allowed in http and server only: it is cut before nginx looks for a location in



=== a path is cut before there is a limit_except
--- config eval: "location /media/ { limit_except GET { crossdomain_media_token path:~; } }"
--- must_die
--- error_log
crossdomain_media_token: path:~: is allowed in http and server only: it is cut before nginx looks for a location in



=== two prefixes
--- config eval: main::guarded("path:~ arg:token path:t-")
--- must_die
--- error_log
crossdomain_media_token: path:t-: expected one prefix at most in



=== a prefix that would need decoding
--- config eval: main::guarded("path:%7E")
--- must_die
--- error_log
crossdomain_media_token: path:%7E: a prefix consists of 1 to 16 letters, digits and "-_~!$'()*+,;=:@" in



=== no prefix
--- config eval: main::guarded("path:")
--- must_die
--- error_log
crossdomain_media_token: path:: a prefix consists of 1 to 16 letters, digits and "-_~!$'()*+,;=:@" in



=== a prefix with a dot
--- config eval: main::guarded("path:.")
--- must_die
--- error_log
crossdomain_media_token: path:.: a prefix consists of



=== what a cookie granted stays private where another source grants it again
--- http_config
    server {
        listen $TEST_NGINX_UPSTREAM;
        location / { add_header X-Accel-Redirect "/media/a.txt?$args"; return 200; }
    }
--- config eval
main::guarded("arg:token", "crossdomain_media_strip off;") . "location /front/ { crossdomain_media https://www.example.com; crossdomain_media_token cookie:t; $main::Keys crossdomain_media_strip off; $main::Proxy }"
--- request eval
my $t = jwt({ path => "/front/*" });
[ "GET /front/a.txt?token=$t", "GET /front/a.txt?token=$t" ]
--- more_headers eval: [ "Cookie: t=" . jwt({ path => "/front/*" }), "" ]
--- error_code eval: [ 200, 302 ]
--- response_headers eval: [ "Cache-Control: private\nVary: Cookie", "Vary: Cookie" ]



=== a line that off has given back is stripped again, and counts once
--- http_config eval
"map \$uri \$app { volatile; default https://www.example.com; ~^/first/ off; }"
--- config eval
"crossdomain_media_token header:X-Token cookie:t; $main::Keys
location /first/ { crossdomain_media \$app; try_files /nope /second/a.txt; }
location /second/ { crossdomain_media https://www.example.com; try_files /nope /third/o.txt; }
location /third/ { crossdomain_media https://www.example.com; }"
--- user_files
>>> third/o.txt
private
--- request eval: [ ("GET /first/a.txt") x 3 ]
--- more_headers eval
my $t = jwt({ path => "/first/*" });
[ "X-Token: $t", "Cookie: t=$t", "X-Token: " . main::forged() ]
--- error_code eval: [ 200, 200, 403 ]
--- response_body eval: [ "private\n", "private\n", qr/403 Forbidden/ ]



=== no cache's own header makes a private response storable
--- config eval: main::guarded("cookie:t", 'add_header Cloudflare-CDN-Cache-Control "max-age=60"; add_header CDN-Cache-Control "max-age=60"; add_header X-Cache-Controls "x";')
--- request
GET /media/a.txt
--- more_headers eval: "Cookie: t=" . main::good("jwt")
--- response_headers
! Cloudflare-CDN-Cache-Control
! CDN-Cache-Control
X-Cache-Controls: x
Cache-Control: private



=== a request full of credentials is stripped of all
--- config eval: main::guarded("header:X-Token arg:token", $main::RawProxy)
--- request eval: "GET /media/a.txt?token=" . main::good("jwt")
--- more_headers eval: CORE::join "\n", (map { "X-Token: $_" } 1 .. 60), "X-Other: 1"
--- upstream_gets eval: [ "GET /media/a.txt HTTP/1.0", "Host: upstream", "Connection: close", "X-Other: 1" ]
--- reasons: valid



=== cookies that say nothing do not hide a token in the URL
--- config eval: main::guarded("cookie:t arg:token")
--- request eval: "GET /media/a.txt?token=" . main::good("jwt")
--- more_headers
Cookie: t=a; t=b; t=c; t=d; t=e
--- reasons: valid
