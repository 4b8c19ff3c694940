# crossdomain_media_loop_guard: redirects in a row are counted in a cookie of the viewer's, and end.
use v5.20;
use lib 't/lib';
use Test::Nginx::Socket 'no_plan';
use Media;
use Jwt;

our $Url = 'https://www.example.com/media/a.txt';

# A guard that stops after three, with more directives.
sub guard {
    my ($more, $most) = @_;
    $more //= '';
    $most //= 3;
    return <<"CONFIG";
        crossdomain_media https://www.example.com;
        crossdomain_media_key \$TEST_NGINX_KEYS_DIR/main.key id=main;
        crossdomain_media_loop_guard $most;
        $more
CONFIG
}

sub guarded { return 'location /media/ { ' . guard(@_) . ' }' }

# Redirects whatever comes.
our $Always = 'crossdomain_media_on invalid redirect;';

our $Name = 'crossdomain_media_loop';

# What is said of the path.
our $Path = '/media/a.txt';
our $Len = length $Path;

# What a viewer sends who has been redirected from a path so often.
sub sends {
    my ($count, $path) = @_;
    return "Cookie: $Name=$count-" . length($path // $Path);
}

# What a viewer is given: a count, for a path.
sub counts {
    my ($count, $path, $rest) = @_;
    $path //= $Path;
    my ($len, $life) = (length $path, $count ? 30 : 0);
    return "Set-Cookie: $Name=$count-$len; Path=$path; Max-Age=$life; HttpOnly; "
        . ($rest // 'SameSite=Lax');
}

# A redirect that counts.
sub redirects { return "Location: $Url\n" . counts(@_) }

# What a viewer sends who was given these, one after another.
sub replays { return map { /^Set-Cookie: ([^;]+)/m ? "Cookie: $1" : '' } @_ }

# The rounds of a viewer who keeps coming back, of whom so many are redirected: answers, and what is sent for each.
sub rounds {
    my ($redirected, $rounds, @more) = @_;
    my @answers = map { $_ <= $redirected ? redirects($_) : "! Location\n! Set-Cookie" } 1 .. $rounds;
    my @sent = map { my $count = $_ < $redirected ? $_ : $redirected; $count ? sends($count) : '' } 0 .. $rounds - 1;
    # What is sent is what was given.
    die 'not what was given' if "@sent[0 .. $redirected]" ne join ' ', '', replays(@answers[0 .. $redirected - 1]);
    return (\@answers, \@sent);
}

our ($Answers, $Sent) = rounds(3, 5);
our $Given = $Sent->[3];

# The line that says so, from its beginning to its end.
our $Line = qr/\[warn\] \d+#\d+: \*\d+ \Kcrossdomain_media: a redirect loop ends: .*?server's\?/;

sub ends {
    my ($what, $count) = @_;
    return 'crossdomain_media: a redirect loop ends: ' . ($count // 3) . ' times the viewer came back without a token that holds, '
        . "reason: $what: do the application's clock, key and rules agree with this server's?\n";
}

# Requests on one connection, so that the log is looked at once and after all of them.
sub stream {
    my ($targets, $sent) = @_;
    my @requests = map { raw_get($targets->[$_], grep { length } $sent->[$_]) } 0 .. $#$targets;
    s/Connection: close/Connection: keep-alive/ for @requests[ 0 .. $#requests - 1 ];
    return join '', @requests;
}

# The same file over TLS, behind a location of this server.
sub over_tls {
    my ($config) = @_;
    return "server { listen \$TEST_NGINX_UPSTREAM ssl; root html; ssl_certificate \$TEST_NGINX_JWT_DIR/tls.pem;
        ssl_certificate_key \$TEST_NGINX_JWT_DIR/rsa.pem; $config }";
}

our $TlsProxy = 'location / { proxy_pass https://$TEST_NGINX_UPSTREAM; }';

# Where a path is guarded whatever it is.
our $Everywhere = 'location / { ' . guard($Always) . ' }';

key_pair('rsa');
Jwt::run("openssl req -x509 -key $ENV{TEST_NGINX_JWT_DIR}/rsa.pem -subj /CN=media.example.org -days 2 -out $ENV{TEST_NGINX_JWT_DIR}/tls.pem");

run_tests();

__DATA__

=== a viewer who keeps coming back is redirected so often, and then refused
--- config eval: main::guarded()
--- pipelined_requests eval: [ ("GET /media/a.txt") x 5 ]
--- more_headers eval: $main::Sent
--- error_code eval: [ (302) x 3, 403, 403 ]
--- response_headers eval: [ map { "$_\nCache-Control: no-store" } @$main::Answers ]
--- response_body_unlike eval: [ ("private") x 5 ]



=== one line for each time that a viewer is refused
--- config eval: main::guarded()
--- raw_request eval: main::stream([ ("/media/a.txt") x 5 ], $main::Sent)
--- ignore_response
--- grep_error_log eval: $main::Line
--- grep_error_log_out eval: main::ends("no_token") x 2



=== beside the line of the refusal
--- config eval: main::guarded()
--- request
GET /media/a.txt?x=1
--- more_headers eval: $main::Given
--- refused: 403
--- error_log
crossdomain_media: missing, reason: no_token, uri: "/media/a.txt?x=1"
--- grep_error_log eval: $main::Line
--- grep_error_log_out eval: main::ends("no_token")



=== the line says how many times
--- config eval: main::guarded("", 19)
--- raw_request eval: main::stream([ ("/media/a.txt") x 20 ], (main::rounds(19, 20))[1])
--- ignore_response
--- grep_error_log eval: $main::Line
--- grep_error_log_out eval: main::ends("no_token", 19)



=== and where the refusal is handed over
--- config eval: main::guarded('crossdomain_media_on invalid @application;') . 'location @application { return 204; }'
--- raw_request eval: main::stream([ ("/media/a.txt") x 2 ], [ @$main::Sent[ 2, 3 ] ])
--- ignore_response
--- grep_error_log eval: $main::Line
--- grep_error_log_out eval: main::ends("no_token")



=== none while it goes on
--- config eval: main::guarded()
--- pipelined_requests eval: [ ("GET /media/a.txt") x 3 ]
--- more_headers eval: [ @$main::Sent[ 0 .. 2 ] ]
--- error_code eval: [ (302) x 3 ]
--- response_headers eval: [ @$main::Answers[ 0 .. 2 ] ]
--- no_error_log
redirect loop
[warn]



=== the least: one
--- config eval: main::guarded("", 1)
--- pipelined_requests eval: [ ("GET /media/a.txt") x 2 ]
--- more_headers eval: (main::rounds(1, 2))[1]
--- error_code eval: [ 302, 403 ]
--- response_headers eval: (main::rounds(1, 2))[0]



=== the most: nineteen
--- config eval: main::guarded("", 19)
--- pipelined_requests eval: [ ("GET /media/a.txt") x 20 ]
--- more_headers eval: (main::rounds(19, 20))[1]
--- error_code eval: [ (302) x 19, 403 ]
--- response_headers eval: (main::rounds(19, 20))[0]



=== the line says why the last token did not hold: its age
--- config eval: main::guarded()
--- request eval: "GET " . signed("/media/a.txt", at => -50000)
--- more_headers eval: $main::Given
--- refused: 403
--- grep_error_log eval: $main::Line
--- grep_error_log_out eval: qr/\Acrossdomain_media: a redirect loop ends: 3 times the viewer came back without a token that holds, reason: token_expired, key: "main", age: 50\d\d\ds: do [^\n]*\n\z/



=== the line says why the last token did not hold: another key
--- config eval: main::guarded($main::Always)
--- raw_request eval: main::stream([ signed("/media/a.txt", key => "other.key"), "/media/a.txt?token=x", "/media/a.txt?token=x&token=y" ], [ ($main::Given) x 3 ])
--- ignore_response
--- grep_error_log eval: $main::Line
--- grep_error_log_out eval: join "", map { main::ends($_) } qw(bad_signature token_malformed token_repeated)



=== the line has no token, nor what a viewer says
--- config eval: main::guarded($main::Always)
--- request
GET /media/a.txt?token=SECRET
--- more_headers eval: "Cookie: $main::Name=7-$main::Len; a=SECRET"
--- refused: 403
--- grep_error_log eval: $main::Line
--- grep_error_log_out eval: main::ends("token_malformed", 7)
--- no_error_log
SECRET



=== who is refused otherwise gets no line, and is not counted
--- config eval: main::guarded()
--- request eval: [ "GET /media/a.txt?token=x", "GET /media/a.txt" ]
--- more_headers eval: [ $main::Given, $main::Sent->[1] ]
--- error_code eval: [ 403, 302 ]
--- response_headers eval: [ "! Set-Cookie", main::redirects(2) ]
--- no_error_log
redirect loop



=== the end is what an invalid token gets
--- config eval
join "", map { my ($name, $action) = @$_; "location /$name/ { " . main::guard("crossdomain_media_on invalid $action;") . " }" }
    [ media => 404 ], [ a => 403 ], [ b => 401 ], [ c => "redirect" ], [ d => 503 ]
--- request eval: [ map { "GET /$_/a.txt" } qw(media a b c d) ]
--- more_headers eval: [ map { main::sends(3, "/$_/a.txt") } qw(media a b c d) ]
--- error_code eval: [ 404, 403, 401, 403, 503 ]
--- response_headers eval: [ ("! Location\n! Set-Cookie\nCache-Control: no-store") x 5 ]



=== or the named location that it is handed over to
--- http_config
    server { listen $TEST_NGINX_UPSTREAM; location / { return 200 "application: $request_uri\n"; } }
--- config eval: main::guarded('crossdomain_media_on invalid @application;') . 'location @application { proxy_pass http://$TEST_NGINX_UPSTREAM; }'
--- pipelined_requests eval: [ "GET /media/a.txt?x=1", "GET /media/a.txt?x=1" ]
--- more_headers eval: [ @$main::Sent[ 2, 3 ] ]
--- error_code eval: [ 302, 200 ]
--- response_headers eval: [ "Location: $main::Url?x=1", "! Location\n! Set-Cookie" ]
--- response_body eval: [ qr/302/, "application: /media/a.txt?x=1\n" ]



=== with a page of an error
--- config eval: main::guard("error_page 403 /denied.html;") . " location /media/ { }"
--- request
GET /media/a.txt
--- more_headers eval: $main::Given
--- refused: 403
--- response_headers
! Set-Cookie
--- response_body
sorry
--- grep_error_log eval: $main::Line
--- grep_error_log_out eval: main::ends("no_token")



=== a redirect that a page of an error stands for counts as well
--- config eval: main::guard("error_page 302 /denied.html;") . " location /media/ { }"
--- request
GET /media/a.txt
--- redirected: https://www.example.com/media/a.txt
--- response_headers eval: main::counts(1)
--- response_body
sorry



=== the count of a folder is not that of what is below it
--- config eval: $main::Everywhere
--- request eval: [ "GET /media/", "GET /media/a.txt", "GET /media", "GET /media/" ]
--- more_headers eval: [ "", "Cookie: $main::Name=3-7; $main::Name=3-6", main::sends(3, "/media"), "Cookie: $main::Name=1-6; $main::Name=3-7" ]
--- error_code eval: [ 302, 302, 403, 403 ]
--- response_headers eval: [ main::counts(1, "/media/"), main::counts(1), ("! Set-Cookie") x 2 ]



=== where an error leads to a guarded location, the viewer's own path counts
--- config eval: "location /open/ { error_page 404 /media/a.txt; } " . main::guarded()
--- request eval: [ ("GET /open/none") x 2 ]
--- more_headers eval: [ "", main::sends(3, "/open/none") ]
--- error_code eval: [ 302, 403 ]
--- response_headers eval: [ "Location: https://www.example.com/open/none\n" . main::counts(1, "/open/none"), "! Location\n! Set-Cookie" ]



=== http: the cookie's attributes
--- config eval: main::guarded()
--- request
GET /media/a.txt
--- redirected: https://www.example.com/media/a.txt
--- response_headers
Set-Cookie: crossdomain_media_loop=1-12; Path=/media/a.txt; Max-Age=30; HttpOnly; SameSite=Lax



=== https: the cookie's attributes
--- http_config eval: main::over_tls(main::guarded())
--- config eval: $main::TlsProxy
--- request eval: [ "GET /media/a.txt", "GET " . signed("/media/a.txt") ]
--- more_headers eval: [ "", $main::Given ]
--- error_code eval: [ 302, 200 ]
--- response_headers eval
[ "Set-Cookie: crossdomain_media_loop=1-12; Path=/media/a.txt; Max-Age=30; HttpOnly; SameSite=None; Secure", main::counts(0, undef, "SameSite=None; Secure") ]



=== how viewers see the site counts: https before a server without TLS
--- config eval: main::guarded("crossdomain_media_public_url https://media.example.org;")
--- request
GET /media/a.txt
--- redirected: https://www.example.com/media/a.txt
--- response_headers eval: main::counts(1, undef, "SameSite=None; Secure")



=== how viewers see the site counts: http before a server with TLS
--- http_config eval: main::over_tls(main::guarded("crossdomain_media_public_url http://media.localhost:8080;"))
--- config eval: $main::TlsProxy
--- request
GET /media/a.txt
--- redirected: https://www.example.com/media/a.txt
--- response_headers eval: main::counts(1)



=== the path is the viewer's, without token and query
--- config eval: $main::Everywhere
--- pipelined_requests eval
[ map { "GET $_" } "/media/a.txt?token=x&x=1", "/", "/media/", "/media/%61.txt", "/media/My%20File.txt?a=/b", "/media//a.txt", "/media/../media/a.txt", "/media/a,b=c\@d", "/media/%3B.txt", "/media/caf%C3%A9", "//evil.example/a" ]
--- error_code eval: [ (302) x 11 ]
--- response_headers eval
[ map { main::counts(1, $_) } "/media/a.txt", "/", "/media/", "/media/%61.txt", "/media/My%20File.txt", "/media//a.txt", "/media/../media/a.txt", "/media/a,b=c\@d", "/media/%3B.txt", "/media/caf%C3%A9", "//evil.example/a" ]



=== a token in the path is no part of it
--- config eval: "crossdomain_media_token path:~; $main::Everywhere"
--- request
GET /media/~SECRET/a.txt
--- redirected: https://www.example.com/media/a.txt
--- response_headers eval: main::counts(1)



=== an absolute-form target has a path too, or none
--- config eval: $main::Everywhere
--- pipelined_requests eval: [ "GET http://evil.example/media/a.txt?x=1", "GET http://evil.example", "GET http://evil.example?token=x" ]
--- error_code eval: [ (302) x 3 ]
--- response_headers eval: [ main::counts(1), (main::counts(1, "/")) x 2 ]



=== what no cookie's path can hold is redirected, and not counted
--- config eval: $main::Everywhere
--- pipelined_requests eval: [ map { "GET $_" } "/media/a;b.txt", "/media/a.txt;Domain=example.com", "/media/caf\xc3\xa9", "/media/a.txt" ]
--- error_code eval: [ (302) x 4 ]
--- response_headers eval
[ (map { "Location: https://www.example.com$_\n! Set-Cookie" } "/media/a;b.txt", "/media/a.txt;Domain=example.com", "/media/caf%C3%A9"), main::redirects(1) ]



=== a grant takes it back
--- config eval: main::guarded()
--- request eval: "GET " . signed("/media/a.txt")
--- more_headers eval: $main::Given
--- granted
--- response_headers
Set-Cookie: crossdomain_media_loop=0-12; Path=/media/a.txt; Max-Age=0; HttpOnly; SameSite=Lax
--- no_error_log
redirect loop



=== so often as it is sent
--- config eval: main::guarded()
--- user_files
>>> media/a.txt 201501010000.00
private
--- request eval: [ ("GET " . signed("/media/a.txt")) x 3, "GET " . signed("/media/none"), "HEAD " . signed("/media/a.txt") ]
--- more_headers eval: [ map { main::sends(1, $_->[0]) . "\n$_->[1]" } map { ref ? $_ : [ $main::Path, $_ ] } "", "Range: bytes=0-3", "If-Modified-Since: Thu, 01 Jan 2015 00:00:00 GMT", [ "/media/none", "" ], "" ]
--- error_code eval: [ 200, 206, 304, 404, 200 ]
--- response_headers eval: [ (main::counts(0)) x 3, main::counts(0, "/media/none"), main::counts(0) ]



=== there is nothing to take back where nothing was counted
--- config eval: main::guarded()
--- request eval: [ ("GET " . signed("/media/a.txt")) x 6 ]
--- more_headers eval: [ "", map { "Cookie: $_" } "a=1", "$main::Name=0-$main::Len", "$main::Name=x-$main::Len", "x$main::Name=3-$main::Len", "$main::Name=1-$main::Len" ]
--- error_code eval: [ (200) x 6 ]
--- response_headers eval: [ ("! Set-Cookie") x 5, main::counts(0) ]



=== and then the count begins anew
--- config eval: main::guarded()
--- pipelined_requests eval: [ "GET /media/a.txt", "GET " . signed("/media/a.txt"), "GET /media/a.txt", "GET /media/a.txt" ]
--- more_headers eval: [ "Cookie: $main::Name=2-$main::Len", "Cookie: $main::Name=3-$main::Len", "Cookie: $main::Name=0-$main::Len", "" ]
--- error_code eval: [ 302, 200, 302, 302 ]
--- response_headers eval: [ map { main::counts($_) } 3, 0, 1, 1 ]



=== a grant that leads to a refusal counts, in the end
--- config eval
main::guarded("try_files \$uri /other/a.txt;") . " location /other/ { " . main::guard() =~ s/main.key id=main/other.key/r . "$main::Always }"
--- request eval: "GET " . signed("/media/none")
--- more_headers eval: main::sends(1, "/media/none")
--- redirected: https://www.example.com/media/none
--- raw_response_headers_like eval: '\A(?!.*\nSet-Cookie: .*\nSet-Cookie: ).*\nSet-Cookie: crossdomain_media_loop=2-11; Path=/media/none;'



=== where two locations grant, it is taken back once
--- config eval: main::guarded("try_files \$uri /other/a.txt;") . " location /other/ { " . main::guard() . " }"
--- request eval: "GET " . signed("/media/none")
--- more_headers eval: main::sends(3, "/media/none")
--- granted
--- response_headers eval: main::counts(0, "/media/none")
--- response_body
private other



=== no other redirect is counted, and no refusal
--- config eval
main::guarded("crossdomain_media_on missing 403; crossdomain_media_on expired 404;") . " location /other/ { " . main::guard() . " return 301 https://elsewhere.example; } location /open/ { " . main::guard() . " }"
--- request eval: [ "GET /media/a.txt", "GET " . signed("/media/a.txt", at => -5000), "GET /media/a.txt?token=x", "GET " . signed("/media/dir"), "GET /other/a.txt", "GET /open/a.txt" ]
--- error_code eval: [ 403, 404, 403, 301, 301, 302 ]
--- response_headers eval: [ ("! Set-Cookie") x 5, main::counts(1, "/open/a.txt") ]



=== where the guard is off, nothing is counted or taken back
--- http_config
    map $uri $application { volatile; default https://www.example.com; /media/public/p.txt off; }
--- config eval: main::guarded() =~ s/crossdomain_media \K\S+(?=;)/\$application/r . " location /open/ { crossdomain_media_loop_guard 3; }"
--- request eval: [ "GET /media/public/p.txt", "GET /open/a.txt", "GET " . signed("/media/a.txt"), "GET /media/a.txt" ]
--- more_headers eval: [ map { main::sends(3, $_) } "/media/public/p.txt", "/open/a.txt", $main::Path, $main::Path ]
--- error_code eval: [ 200, 200, 200, 403 ]
--- response_headers eval: [ ("! Set-Cookie") x 2, main::counts(0), "! Set-Cookie" ]



=== without the directive nothing is counted, or read
--- request eval: [ "GET /media/a.txt", "GET " . signed("/media/a.txt") ]
--- more_headers eval: "Cookie: $main::Name=19-$main::Len"
--- error_code eval: [ 302, 200 ]
--- response_headers eval: [ "Location: $main::Url\n! Set-Cookie", "! Set-Cookie" ]
--- no_error_log
redirect loop



=== who is let in by others is neither counted nor taken back
--- config eval: main::guarded('satisfy any; allow all; add_header X-Uri "[$crossdomain_media_uri]";') . " location /other/ { " . main::guard() . " }"
--- request eval: [ "GET /media/a.txt", "GET " . signed("/media/a.txt"), "GET /other/a.txt" ]
--- more_headers eval: [ map { main::sends(3, $_) } $main::Path, $main::Path, "/other/a.txt" ]
--- error_code eval: [ 200, 200, 403 ]
--- response_headers eval: [ ("X-Uri: [/media/a.txt]\n! Set-Cookie") x 2, "! Set-Cookie" ]



=== satisfy any, and nobody lets the viewer in
--- config eval: main::guarded("satisfy any; deny all;")
--- request eval: [ ("GET /media/a.txt") x 2 ]
--- more_headers eval: [ @$main::Sent[ 2, 3 ] ]
--- error_code eval: [ 302, 403 ]
--- response_headers eval: [ main::redirects(3), "! Location\n! Set-Cookie" ]



=== the cookie stands among others, in any line
--- config eval: main::guarded()
--- request eval: [ ("GET /media/a.txt") x 5 ]
--- more_headers eval
[ "Cookie: a=1; $main::Name=3-$main::Len; b=2", "Cookie: a=1\nCookie: $main::Name=3-$main::Len\nCookie: b=2", "cookie: a=1;$main::Name=3-$main::Len", "Cookie: $main::Name=1-$main::Len\nCookie: $main::Name=3-$main::Len", "Cookie: $main::Name=x-$main::Len; $main::Name=2-$main::Len; $main::Name=1-$main::Len" ]
--- error_code eval: [ (403) x 4, 302 ]
--- response_headers eval: [ ("! Set-Cookie") x 4, main::redirects(3) ]



=== HTTP/2: browsers send each cookie in a line of its own
--- http2
--- config eval: main::guarded()
--- request
GET /media/a.txt
--- more_headers eval: "Cookie: a=1\nCookie: $main::Name=3-$main::Len"
--- error_code: 403
--- response_headers
! set-cookie
! location



=== HTTP/2: the cookie
--- http2
--- config eval: main::guarded()
--- request
GET /media/a.txt
--- more_headers eval: "Cookie: a=1\nCookie: $main::Name=2-$main::Len"
--- error_code: 302
--- response_headers eval: main::redirects(3)



=== a value that is no number counts as none
--- config eval: main::guarded()
--- request eval: [ ("GET /media/a.txt") x 11 ]
--- more_headers eval
[ map { "Cookie: $_" } (map { "$main::Name=$_-$main::Len" } "", "x", "-3", "3x", "%33", "3.0", "99999999999", "\xd9\xa3"), $main::Name, "\U$main::Name\E=3-$main::Len", "x$main::Name=3-$main::Len" ]
--- error_code eval: [ (302) x 11 ]
--- response_headers eval: [ (main::redirects(1)) x 11 ]



=== the largest number is one too many
--- config eval: main::guarded()
--- request
GET /media/a.txt
--- more_headers eval: "Cookie: $main::Name=4294967295-$main::Len"
--- refused: 403
--- response_headers
! Set-Cookie



=== many cookies
--- config eval: main::guarded()
--- request eval: [ ("GET /media/a.txt") x 2 ]
--- more_headers eval: [ map { join "", map({ "Cookie: a=$_; b=\n" } 1 .. 60), "Cookie: $main::Name=$_-$main::Len" } 2, 3 ]
--- error_code eval: [ 302, 403 ]
--- response_headers eval: [ main::redirects(3), "! Set-Cookie" ]



=== the token's own cookie may be taken out of the same line
--- config eval: main::guarded("crossdomain_media_token cookie:media arg:token;")
--- request eval: [ ("GET /media/a.txt") x 3 ]
--- more_headers eval
[ map { "Cookie: media=$_; $main::Name=2-$main::Len" } token("/media/a.txt"), token("/media/a.txt", at => -50000), "x" ]
--- error_code eval: [ 200, 302, 403 ]
--- response_headers eval: [ main::counts(0), main::redirects(3), "! Set-Cookie" ]



=== other methods are counted as they are redirected
--- config eval: main::guarded("crossdomain_media_redirect_code 307;")
--- request eval: [ map { ("$_ /media/a.txt") x 2 } qw(HEAD POST) ]
--- more_headers eval: [ (@$main::Sent[ 1, 3 ]) x 2 ]
--- error_code eval: [ (307, 403) x 2 ]
--- response_headers eval: [ (main::redirects(2), "! Location\n! Set-Cookie") x 2 ]



=== in a dry run nobody is redirected, so nothing is counted
--- config eval: main::guarded("crossdomain_media_dry_run on; add_header X-Status \$crossdomain_media_status;")
--- request eval: [ ("GET /media/a.txt") x 2 ]
--- more_headers eval: [ "", $main::Given ]
--- error_code eval: [ 200, 200 ]
--- response_headers eval: [ ("X-Status: missing\n! Set-Cookie") x 2 ]
--- response_body eval: [ ("private\n") x 2 ]
--- no_error_log
redirect loop



=== what a script is told is no redirect
--- config eval: main::guarded("crossdomain_media_cors https://www.example.com;")
--- request eval: [ ("GET /media/a.txt") x 3 ]
--- more_headers eval: [ map { "Sec-Fetch-Mode: $_->[0]\n$_->[1]" } [ cors => "" ], [ cors => "Cookie: $main::Name=2-$main::Len" ], [ navigate => "Cookie: $main::Name=2-$main::Len" ] ]
--- error_code eval: [ 401, 401, 302 ]
--- response_headers eval: [ ("! Set-Cookie") x 2, main::redirects(3) ]
--- no_error_log
redirect loop



=== what others set stays
--- config eval: main::guarded("add_header Set-Cookie own=1 always;")
--- request eval: [ "GET /media/a.txt", "GET " . signed("/media/a.txt") ]
--- more_headers eval: $main::Sent->[1]
--- error_code eval: [ 302, 200 ]
--- raw_response_headers_like eval: [ map { "(?=.*\\nSet-Cookie: own=1\\r).*\\n\Q$_\E\\r" } main::counts(2), main::counts(0) ]



=== inheritance: from http to location, and off within
--- http_config
    crossdomain_media_loop_guard 1;
--- config
    crossdomain_media https://www.example.com;
    crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
    location /media/ {
        location /media/dir/ {
            crossdomain_media_loop_guard 2;
            location /media/dir/sub/ { }
        }
    }
    location /other/ { crossdomain_media_loop_guard off; }
--- request eval: [ map { my $path = $_; map { "GET $path" } 1 .. 3 } "/media/a.txt", "/media/dir/x.txt", "/media/dir/sub/y.txt", "/other/a.txt" ]
--- more_headers eval: [ (map { my $path = $_; map { main::sends($_, $path) } 0, 1, 2 } "/media/a.txt", "/media/dir/x.txt", "/media/dir/sub/y.txt", "/other/a.txt") ]
--- error_code eval: [ 302, 403, 403, 302, 302, 403, 302, 302, 403, 302, 302, 302 ]
--- response_headers eval
[ main::counts(1), ("! Set-Cookie") x 2, (map { main::counts(1, $_), main::counts(2, $_), "! Set-Cookie" } "/media/dir/x.txt", "/media/dir/sub/y.txt"), ("! Set-Cookie") x 3 ]



=== a value that is none: none at all
--- config eval: main::guarded("", "0")
--- must_die
--- error_log
crossdomain_media_loop_guard: 0: expected a number from 1 to 19, or "off" in



=== a value that is none: more than browsers follow
--- config eval: main::guarded("", "20")
--- must_die
--- error_log
crossdomain_media_loop_guard: 20: expected a number from 1 to 19, or "off" in



=== a value that is none: less than none
--- config eval: main::guarded("", "-1")
--- must_die
--- error_log
crossdomain_media_loop_guard: -1: expected a number from 1 to 19, or "off" in



=== a value that is none: no number
--- config eval: main::guarded("", "x")
--- must_die
--- error_log
crossdomain_media_loop_guard: x: expected a number from 1 to 19, or "off" in



=== a value that is none: no whole number
--- config eval: main::guarded("", "1.5")
--- must_die
--- error_log
crossdomain_media_loop_guard: 1.5: expected a number from 1 to 19, or "off" in



=== a value that is none: a number and more
--- config eval: main::guarded("", "3x")
--- must_die
--- error_log
crossdomain_media_loop_guard: 3x: expected a number from 1 to 19, or "off" in



=== a value that is none: too large a number
--- config eval: main::guarded("", "99999999999")
--- must_die
--- error_log
crossdomain_media_loop_guard: 99999999999: expected a number from 1 to 19, or "off" in



=== a value that is none: off in another case
--- config eval: main::guarded("", "OFF")
--- must_die
--- error_log
crossdomain_media_loop_guard: OFF: expected a number from 1 to 19, or "off" in



=== a value that is none: nothing
--- config eval: main::guarded("", q(""))
--- must_die
--- error_log
crossdomain_media_loop_guard: : expected a number from 1 to 19, or "off" in



=== two values
--- config eval: main::guarded("", "3 4")
--- must_die
--- error_log
invalid number of arguments in "crossdomain_media_loop_guard" directive



=== no value
--- config eval: main::guarded("", "")
--- must_die
--- error_log
invalid number of arguments in "crossdomain_media_loop_guard" directive



=== the directive twice
--- config eval: main::guarded("crossdomain_media_loop_guard off;")
--- must_die
--- error_log
"crossdomain_media_loop_guard" directive is duplicate



=== not in an if block
--- config
    location /media/ { if ($arg_x) { crossdomain_media_loop_guard 3; } }
--- must_die
--- error_log
"crossdomain_media_loop_guard" directive is not allowed here
