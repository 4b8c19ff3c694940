# Tokens of format=jwt: which ones grant, and why others do not; what makes a key.
use v5.20;
use lib 't/lib';
use Test::Nginx::Socket 'no_plan';
use Media;
use Jwt;

# The example application of most blocks.
our $Hs = guarded('hs.key format=jwt');

# A guarded site whose keys are these, with more directives. What the verdict was, each response says.
sub guarded {
    my ($keys, $more) = @_;
    my $trusted = join ' ', map { "crossdomain_media_key \$TEST_NGINX_JWT_DIR/$_;" } ref $keys ? @$keys : $keys;
    $more //= '';
    return <<"CONFIG";
    location / {
        crossdomain_media https://www.example.com;
        $trusted
        $more
        add_header X-Reason \$crossdomain_media_reason always;
        add_header X-Key "\$crossdomain_media_key_id." always;
        add_header X-Subject "\$crossdomain_media_subject." always;
    }
CONFIG
}

# Requests for the private file, with these tokens.
sub asks { return [ map { "GET /media/a.txt?token=$_" } @_ ] }

# Requests for the private file, with tokens of these claims that otherwise cover it.
sub claims { return asks(map { jwt({ path => '/media/a.txt', %$_ }) } @_) }

# Requests for the private file, with claims that are text; END stands for a good end, PATH for a good path.
sub texts {
    my $end = time + 3600;
    return asks(map { jwt(s/END/"exp":$end/r =~ s/PATH/"path":"\/media\/a.txt"/r) } @_);
}

# The same with the header as text.
sub headers {
    return asks(map { jwt({ path => '/media/a.txt' }, header => $_) } @_);
}

# Requests for each of these targets, with one token.
sub targets {
    my ($claims, @targets) = @_;
    my $token = jwt($claims);
    return [ map { "GET $_" . (/\?/ ? '&' : '?') . "token=$token" } @targets ];
}

# The request with a token of exactly so many bytes.
sub sized {
    my ($size) = @_;
    my $end = time + 3600;
    # Four letters for three bytes: a header that is longer by one fills what claims alone cannot reach.
    for my $spare (0 .. 2) {
        for my $fill (0 .. $size) {
            my $claims = { path => '/media/a.txt', exp => $end, fill => 'x' x ($fill + int($size * 0.7) - 200) };
            my $token = jwt($claims, header => { fill => 'x' x $spare });
            return asks($token)->[0] if length $token == $size;
            last if length $token > $size;
        }
    }
    die "no token of $size bytes";
}

sub oct_jwk { return { kty => 'oct', alg => 'HS256', k => Jwt::encode_base64url(key_text($_[0] // 'hs.key')), @_[ 1 .. $#_ ] } }

# A site with a key file of its own, which holds a text, or JSON. Sections are evaluated before the first block runs.
sub keyed {
    my ($text, $parameters, $mode) = @_;
    state $number = 0;
    my $name = 'site' . ++$number . '.key';
    Jwt::write_key($name, ref $text ? JSON::PP->new->canonical->encode($text) : $text, $mode);
    return guarded("$name format=jwt " . ($parameters // ''));
}

# A claims-based URI (RFC 9246) for the private file, or for another URI.
sub uri_hash { return 'hash:sha-256;' . Jwt::encode_base64url(Digest::SHA::sha256($_[0])) }

key_pair($_) for qw(rsa rsa2 ec ec2 ed ed2 short p384);

run_tests();

__DATA__

=== HS256 is what a secret verifies
--- config eval: $main::Hs
--- request eval: "GET " . jwt_signed("/media/a.txt")
--- granted
--- no_error_log eval: $Media::Logged



=== each HMAC has its own key
--- config eval: main::guarded("hs.key format=jwt alg=HS384")
--- request eval: main::asks(map { jwt({ path => "/media/a.txt" }, alg => $_) } qw(HS256 HS384 HS512))
--- reasons: unknown_key valid unknown_key



=== HS512
--- config eval: main::guarded("hs.key format=jwt alg=HS512")
--- request eval: main::asks(map { jwt({ path => "/media/a.txt" }, alg => $_) } qw(HS256 HS384 HS512))
--- reasons: unknown_key unknown_key valid



=== another secret
--- config eval: $main::Hs
--- request eval: main::asks(jwt({ path => "/media/a.txt" }, key => "other.key"))
--- reasons: bad_signature



=== RS256 is what an RSA key verifies
--- config eval: main::guarded("rsa.pub.pem format=jwt")
--- request eval
main::asks(map { jwt({ path => "/media/a.txt" }, @$_) } [ alg => "RS256" ], [ alg => "RS256", key => "rsa2" ], [ alg => "PS256" ], [ alg => "RS256", sign => "PS256" ])
--- reasons: valid bad_signature unknown_key bad_signature



=== PS256
--- config eval: main::guarded("rsa.pub.pem format=jwt alg=PS256")
--- request eval
main::asks(map { jwt({ path => "/media/a.txt" }, @$_) } [ alg => "PS256" ], [ alg => "PS256", key => "rsa2" ], [ alg => "RS256" ], [ alg => "PS256", sign => "RS256" ])
--- reasons: valid bad_signature unknown_key bad_signature



=== ES256
--- config eval: main::guarded("ec.pub.pem format=jwt")
--- request eval
main::asks(map { jwt({ path => "/media/a.txt" }, alg => "ES256", @$_) } [], [ key => "ec2" ], [ alg => "RS256", sign => "ES256" ])
--- reasons: valid bad_signature unknown_key



=== EdDSA
--- config eval: main::guarded("ed.pub.pem format=jwt")
--- request eval
main::asks(map { jwt({ path => "/media/a.txt" }, alg => "EdDSA", @$_) } [], [ key => "ed2" ], [ header => { alg => "Ed25519" } ], [ header => { alg => "Ed448" } ])
--- reasons: valid bad_signature valid unknown_key



=== an algorithm that the key file states
--- config eval: main::guarded([ map { "$_->[0].pub.pem format=jwt alg=$_->[1] id=$_->[1]" } [ rsa => "RS256" ], [ ec => "ES256" ], [ ed => "EdDSA" ] ])
--- request eval: main::asks(map { jwt({ path => "/media/a.txt" }, alg => $_) } qw(RS256 ES256 EdDSA))
--- reasons: valid valid valid
--- response_headers eval: [ "X-Key: RS256.", "X-Key: ES256.", "X-Key: EdDSA." ]



=== a public key is no secret: a token signed with its file's bytes
--- config eval: main::guarded([ "rsa.pub.pem format=jwt", "ec.pub.pem format=jwt", "ed.pub.pem format=jwt" ])
--- request eval
main::asks(map { jwt({ path => "/media/a.txt" }, key => "$_.pub.pem") } qw(rsa ec ed))
--- reasons: unknown_key unknown_key unknown_key



=== a token does not choose its algorithm
--- config eval: main::guarded([ "rsa.pub.pem format=jwt id=a", "hs.key format=jwt id=b" ])
--- request eval
main::asks(map { jwt({ path => "/media/a.txt" }, alg => $_->[0], sign => $_->[1], header => { kid => $_->[2] }) }
  [ "RS256", "RS256", "a" ], [ "HS256", "HS256", "b" ], [ "HS256", "HS256", "a" ], [ "RS256", "RS256", "b" ], [ "RS256", "HS256", "a" ])
--- reasons: valid valid unknown_key unknown_key bad_signature



=== no algorithm at all
--- config eval: $main::Hs
--- request eval
main::asks(
  (map { jwt({ path => "/media/a.txt" }, alg => $_, sign => "HS256") } "none", "None", "", "hs256", "HS1"),
  (map { jwt({ path => "/media/a.txt" }, header => $_) } '{"typ":"JWT"}', '{"alg":null}', '{"alg":["HS256"]}', '{"alg":256}'),
  jwt({ path => "/media/a.txt" }, alg => "none", signature => ""))
--- reasons: unknown_key unknown_key unknown_key unknown_key unknown_key token_malformed token_malformed token_malformed token_malformed token_malformed



=== a key of its own that a token brings is not used
--- config eval: $main::Hs
--- request eval
main::asks(
  map { jwt({ path => "/media/a.txt" }, header => $_) }
    { jku => "https://attacker.example/keys" }, { jwk => main::oct_jwk("other.key") }, { x5u => "https://attacker.example/" },
    { x5c => ["MII"] }, { x5t => "AA" }, { "x5t#S256" => "AA" }, { x5new => 1 }, { b64 => JSON::PP::false() })
--- reasons: token_unsupported token_unsupported token_unsupported token_unsupported token_unsupported token_unsupported token_unsupported token_unsupported



=== what a token calls critical is not ignored
--- config eval: $main::Hs
--- request eval: main::asks(map { jwt({ path => "/media/a.txt" }, header => { crit => $_ }) } [], ["exp"], ["x"], "x")
--- reasons: token_unsupported token_unsupported token_unsupported token_unsupported



=== other members of a header mean nothing
--- config eval: $main::Hs
--- request eval: main::asks(map { jwt({ path => "/media/a.txt" }, header => $_) } { typ => "at+jwt" }, { cty => "x" }, { more => { alg => "none" } }, { typ => 1 })
--- reasons: valid valid valid valid



=== a member twice is a matter of taste, so none counts
--- config eval: $main::Hs
--- request eval
[ @{ main::headers('{"alg":"HS256","alg":"HS256"}', '{"alg":"HS256","\u0061lg":"HS256"}', '{"alg":"HS256","kid":"a","kid":"b"}', '{"alg":"HS256","x":1,"x":1}') },
  @{ main::texts('{END,END,PATH}', '{"exp":1,END,PATH}', '{END,PATH,PATH}', '{END,PATH,"p\u0061th":"/x"}', '{END,PATH,"x":1,"x":2}', '{END,PATH,"sub":"a","sub":"a"}') } ]
--- reasons eval: [ ("token_malformed") x 10 ]



=== a member twice inside of another one is none of ours
--- config eval: $main::Hs
--- request eval: main::texts('{END,PATH,"x":{"y":1,"y":2}}', '{END,PATH,"x":[{"path":"/"}]}')
--- reasons: valid valid



=== what is no JSON object
--- config eval: $main::Hs
--- request eval
[ @{ main::texts('{END,PATH', '{END,PATH}}', '{END,PATH} x', '[END]', '"x"', '7', 'null', '{END,PATH,}', '{END,PATH,"x":01}', "{END,PATH,\"x\":\"\xff\"}", "{END,PATH,\"\xc3\x28\":1}", "\xef\xbb\xbf{END,PATH}") },
  @{ main::headers('', '{"alg":"HS256"', '[]', '{"alg":"HS256"}x', "{\"alg\":\"HS256\",\"x\":\"\xff\"}") } ]
--- reasons eval: [ ("token_malformed") x 17 ]



=== space around JSON is none of its content
--- config eval: $main::Hs
--- request eval: main::texts(" \t\r\n{ END ,\n PATH } \n")
--- reasons: valid



=== a token has three parts and one spelling
--- config eval: $main::Hs
--- request eval
my ($h, $c, $s) = split /\./, my $good = jwt({ path => "/media/a.txt" });
# The last letter of 32 bytes has two bits that mean nothing.
my $letters = CORE::join "", "A" .. "Z", "a" .. "z", 0 .. 9, "-_";
my $twin = $s =~ s/(.)\z/substr $letters, index($letters, $1) + 1, 1/er;
main::asks("$good", "$h.$c", "$h.$c.", ".$c.$s", "$h..$s", "$good.", ".$good", "$good.$s", "$h.$c.$s=", "$h=.$c.$s", "$h.$c.$twin", "$h.$c.$s%0A", "$h.$c.%20$s", "$h.$c.$s:", "a.b.c", "...", "..", ".")
--- reasons eval: [ "valid", ("token_malformed") x 17 ]



=== standard base64 is another alphabet
--- config eval: $main::Hs
--- request eval
# With a signature that has a letter by which the two differ.
my $token;
for my $n (0 .. 999) {
    $token = jwt({ path => "/media/a.txt", n => $n });
    last if $token =~ /\.[^.]*[-_][^.]*\z/;
}
main::asks($token, ($token =~ tr{-_}{+/}r) =~ s/\+/%2B/gr, $token =~ tr{-_}{+/}r)
--- reasons: valid token_malformed token_malformed



=== escapes in the query are undone once
--- config eval: $main::Hs
--- request eval
my $token = jwt({ path => "/media/a.txt" });
main::asks($token =~ s/\./%2E/gr, $token =~ s/([eJ])/sprintf "%%%02x", ord $1/ger, $token =~ s/\./%252E/gr, "$token%", "$token%4")
--- reasons: valid valid token_malformed token_malformed token_malformed



=== a changed byte of any part
--- config eval: $main::Hs
--- request eval
my ($h, $c, $s) = split /\./, jwt({ path => "/media/a.txt" });
my ($h2, $c2) = split /\./, jwt({ path => "/media/b.txt" }, header => { x => 1 });
main::asks("$h.$c." . ($s =~ s/\A(.)/$1 eq "A" ? "B" : "A"/er), "$h.$c2.$s", "$h2.$c.$s", "$h.$c." . substr($s, 0, 40), "$h.$c.${s}AAAA", "$h.$c.AAAA")
--- reasons eval: [ ("bad_signature") x 6 ]



=== a token that is as long as one may be
--- config eval: $main::Hs
--- request eval: [ map { main::sized($_) } 4096, 4097 ]
--- reasons: valid token_malformed



=== a token without an end
--- config eval: $main::Hs
--- request eval: main::texts('{PATH}', '{"exp":null,PATH}', '{"exp":"9999999999",PATH}', '{"exp":true,PATH}', '{"exp":[9999999999],PATH}', '{"exp":99999999999999999999,PATH}', '{"exp":1e99,PATH}', '{"Exp":9999999999,PATH}')
--- reasons eval: [ ("token_malformed") x 8 ]



=== an end as JSON may spell it
--- config eval: $main::Hs
--- request eval: main::texts('{"exp":9999999999.9,PATH}', '{"exp":1e10,PATH}', '{"exp":9223372036854775807,PATH}', '{"exp":-1,PATH}', '{"exp":0,PATH}', '{"exp":-9223372036854775808,PATH}')
--- reasons: valid valid valid token_expired token_expired token_expired



=== a token that has ended is renewed
--- config eval: $main::Hs
--- request eval: "GET /media/a.txt?x=1&token=" . jwt({ path => "/media/a.txt", exp => time - 1 }) . "&y=2"
--- redirected: https://www.example.com/media/a.txt?x=1&y=2
--- error_log
crossdomain_media: expired, reason: token_expired, uri: "/media/a.txt?x=1&y=2", client: 127.0.0.1



=== leeway lengthens the end
--- config eval: main::guarded("hs.key format=jwt", "crossdomain_media_leeway 1h;")
--- request eval: main::claims({ exp => time - 500 }, { exp => time - 5001 }, { exp => time - 500, nbf => time + 3600 })
--- reasons: valid token_expired token_not_yet_valid



=== max_age is not for tokens that state their end
--- config eval: main::guarded("hs.key format=jwt", "crossdomain_media_max_age 1s;")
--- request eval: main::claims({ exp => time + 3600, iat => time - 3600 })
--- reasons: valid



=== a token that has not begun
--- config eval: $main::Hs
--- request eval: main::claims({ nbf => time - 5 }, { nbf => time + 3600 }, { nbf => "1" }, { nbf => undef, iat => time + 3600 }, { nbf => time + 3600, exp => time - 60 })
--- reasons: valid token_not_yet_valid token_malformed valid token_expired



=== an audience that the key asks for
--- config eval: main::guarded("hs.key format=jwt aud=media")
--- request eval: main::claims({ aud => "media" }, { aud => ["x", "media"] }, { aud => "Media" }, { aud => ["x"] }, { aud => [] }, {}, { aud => 7 }, { aud => ["media", 7] })
--- reasons: valid valid wrong_audience wrong_audience wrong_audience wrong_audience token_malformed token_malformed



=== a token for somebody is not for whoever has no name
--- config eval: $main::Hs
--- request eval: main::claims({ aud => "media" }, { aud => [] })
--- reasons: wrong_audience wrong_audience



=== a token that names nothing covers nothing
--- config eval: $main::Hs
--- request eval
main::asks(jwt({}), map { jwt({ path => $_ }) } [], "", "*", "media/a.txt", "https://localhost/media/a.txt", ["", "*"])
--- reasons eval: [ ("wrong_path") x 7 ]



=== a path that is no list of strings
--- config eval: $main::Hs
--- request eval: main::asks(map { jwt({ path => $_ }) } 7, { a => "/media/a.txt" }, [7], [["/media/a.txt"]], ["/media/a.txt", 7], JSON::PP::true())
--- reasons eval: [ ("token_malformed") x 6 ]



=== a list is as long as one may be
--- config eval: $main::Hs
--- request eval: main::asks(map { my $n = $_; jwt({ path => [ (map { "/$_" } 2 .. $n), "/media/a.txt" ] }) } 64, 65)
--- reasons: valid token_malformed



=== an exact path
--- config eval: $main::Hs
--- request eval: main::targets({ path => "/media/a.txt" }, "/media/a.txt", "/media/b.txt", "/media/a.txt/", "/media/a.tx", "/Media/a.txt", "/media/%61.txt", "/media//a.txt", "/media/a.txt?x=1")
--- reasons: valid wrong_path wrong_path wrong_path wrong_path valid wrong_path valid



=== a folder covers all below it, and nothing beside it
--- config eval: $main::Hs
--- user_files eval: [ map { [ $_, "private\n" ] } "media/a.txt", "media/dir/x.txt", "media-private/a.txt", "media/dir/sub/y.txt" ]
--- request eval: main::targets({ path => "/media/*" }, "/media/a.txt", "/media/dir/x.txt", "/media/dir/sub/y.txt", "/media-private/a.txt", "/media", "/mediax/a.txt", "/other/a.txt", "/Media/a.txt")
--- reasons: valid valid valid wrong_path wrong_path wrong_path wrong_path wrong_path



=== a folder's own URL is in it
--- config eval: main::guarded("hs.key format=jwt", "index a.txt;")
--- request eval: main::targets({ path => "/media/*" }, "/media/")
--- reasons: valid



=== everything
--- config eval: $main::Hs
--- user_files eval: [ [ "media/a.txt", "private\n" ], [ "a.txt", "private\n" ] ]
--- request eval: main::targets({ path => "/*" }, "/media/a.txt", "/a.txt")
--- reasons: valid valid



=== an asterisk elsewhere is one
--- config eval: $main::Hs
--- user_files eval: [ map { [ "media/$_", "private\n" ] } "*.txt", "*", "dir/a", "a.txt" ]
--- request eval
[ map { my ($path, @targets) = @$_; @{ main::targets({ path => $path }, @targets) } }
  [ "/media/*.txt", "/media/a.txt", "/media/*.txt" ], [ "/*/a.txt", "/media/a.txt" ], [ "/media*", "/media/a.txt" ], [ "/media/**", "/media/a.txt" ], [ "/media/?.txt", "/media/a.txt" ] ]
--- reasons: wrong_path valid wrong_path wrong_path wrong_path wrong_path



=== one of several paths
--- config eval: $main::Hs
--- user_files eval: [ map { [ $_, "private\n" ] } "media/a.txt", "media/dir/x.txt", "media/dir2/x.txt", "b/c.txt" ]
--- request eval: main::targets({ path => [ "/b/c.txt", "/media/dir/*", "/media/a.txt" ] }, "/media/a.txt", "/media/dir/x.txt", "/b/c.txt", "/media/dir2/x.txt", "/b/")
--- reasons: valid valid valid wrong_path wrong_path



=== a folder wants a path that can be read in one way
--- config eval: $main::Hs
--- user_files eval: [ map { [ $_, "private\n" ] } "media/a.txt", "media/dir/x.txt" ]
--- request eval: main::targets({ path => "/media/*" }, "/media/dir%2Fx.txt", "/media//a.txt", "/media/dir//x.txt", "/media/a%5Cb", "/media/dir%2fx.txt")
--- reasons eval: [ ("unsafe_path") x 5 ]



=== an exact path may be spelled with what a folder may not
--- config eval: main::guarded("hs.key format=jwt path=decoded")
--- user_files eval: [ [ "media/dir/x.txt", "private\n" ] ]
--- request eval: [ @{ main::targets({ path => "/media//dir/x.txt" }, "/media//dir/x.txt") }, @{ main::targets({ path => "/media/dir/x.txt" }, "/media/dir%2Fx.txt") } ]
--- reasons: valid valid



=== dots lead out of every folder
--- config eval: $main::Hs
--- request eval
[ @{ main::targets({ path => "/open/*" }, "/open/../media/a.txt", "/open/%2e%2e/media/a.txt", "/open/./../media/a.txt", "/open/.%2E/media/a.txt", "/open/x%2f..%2f../media/a.txt") },
  @{ main::targets({ path => "/media/a.txt" }, "/media/./a.txt", "/open/../media/a.txt") },
  @{ main::targets({ path => "/open/../*" }, "/open/../media/a.txt") } ]
--- reasons eval: [ ("unsafe_path") x 8 ]



=== a raw number sign, at which nginx cuts
--- config eval: $main::Hs
--- raw_request eval: raw_get("/media/a.txt#x?token=" . jwt({ path => "/*" }))
--- error_code: 403
--- response_body_unlike: private
--- response_headers
X-Reason: unsafe_path



=== a raw number sign behind the token
--- config eval: $main::Hs
--- raw_request eval: raw_get("/media/a.txt?token=" . jwt({ path => "/*" }) . "#x")
--- error_code: 403
--- response_body_unlike: private
--- response_headers
X-Reason: unsafe_path



=== a path as the application spells it: reverse
--- config eval: main::guarded("hs.key format=jwt path=reverse")
--- user_files eval: [ [ "media/\xc3\xbc a.txt", "private\n" ] ]
--- request eval: [ map { @{ main::targets({ path => $_ }, "/media/%c3%BC%20a.txt") } } "/media/%C3%BC%20a.txt", "/media/%c3%bc%20a.txt", "/media/\x{fc} a.txt" ]
--- reasons: valid wrong_path wrong_path



=== a path as the application spells it: decoded
--- config eval: main::guarded("hs.key format=jwt path=decoded")
--- user_files eval: [ [ "media/\xc3\xbc a.txt", "private\n" ] ]
--- request eval: [ map { @{ main::targets({ path => $_ }, "/media/%C3%bc%20a.txt") } } "/media/\x{fc} a.txt", "/media/%C3%BC%20a.txt" ]
--- reasons: valid wrong_path



=== a path as the application spells it: raw
--- config eval: main::guarded("hs.key format=jwt path=raw")
--- user_files eval: [ [ "media/\xc3\xbc a.txt", "private\n" ] ]
--- request eval: [ map { @{ main::targets({ path => $_ }, "/media/%C3%bc%20a.txt") } } "/media/%C3%bc%20a.txt", "/media/%C3%BC%20a.txt", "/media/\x{fc} a.txt" ]
--- reasons: valid wrong_path wrong_path



=== a folder is spelled like a path
--- config eval: main::guarded([ "hs.key format=jwt path=decoded id=decoded", "other.key format=jwt path=reverse id=reverse" ])
--- user_files eval: [ [ "media/\xc3\xbc \$/a.txt", "private\n" ] ]
--- request eval
[ map { "GET /media/%c3%bc%20%24/a.txt?token=" . jwt({ path => $_->[0] }, key => $_->[1]) }
  [ "/media/\x{fc} \$/*", "hs.key" ], [ "/media/%C3%BC%20%24/*", "hs.key" ], [ "/media/%C3%BC%20\$/*", "other.key" ] ]
--- reasons: valid wrong_path valid



=== another claim names the paths
--- config eval: main::guarded("hs.key format=jwt path_claim=scope")
--- request eval: main::asks(map { jwt($_) } { scope => "/media/*" }, { path => "/media/*" }, { scope => "/other/*", path => "/media/*" }, { scope => ["/media/a.txt"] })
--- reasons: valid wrong_path wrong_path valid



=== the subject names the path
--- config eval: main::guarded("hs.key format=jwt path_claim=sub")
--- request eval: main::asks(map { jwt($_) } { sub => "/media/a.txt" }, { sub => "/media/*" }, { sub => "ann", path => "/media/a.txt" }, { sub => ["/media/a.txt"] })
--- reasons: valid valid wrong_path token_malformed
--- response_headers eval: [ "X-Subject: /media/a.txt.", "X-Subject: /media/*.", "X-Subject: .", "X-Subject: ." ]



=== methods
--- config eval: $main::Hs
--- request eval: main::claims({ method => "GET" }, { method => ["POST", "GET"] }, { method => "get" }, { method => "HEAD" }, { method => [] }, { method => ["PUT"] }, { method => 1 })
--- reasons: valid valid wrong_method wrong_method wrong_method wrong_method token_malformed



=== who may get may ask
--- config eval: $main::Hs
--- request eval: [ map { "HEAD /media/a.txt?token=" . jwt({ path => "/media/a.txt", method => $_ }) } "GET", "HEAD", ["POST"] ]
--- error_code eval: [ 200, 200, 403 ]
--- response_body eval: [ "", "", "" ]
--- response_headers eval: [ map { "X-Reason: $_" } qw(valid valid wrong_method) ]



=== other methods are named
--- config eval: $main::Hs
--- request eval: [ map { "DELETE /media/a.txt?token=" . jwt({ path => "/media/a.txt", @$_ }) } [ method => "DELETE" ], [ method => "GET" ], [] ]
--- error_code eval: [ 405, 403, 405 ]
--- response_headers eval: [ map { "X-Reason: $_" } qw(valid wrong_method valid) ]



=== addresses
--- config eval: $main::Hs
--- request eval
main::claims({ ip => "127.0.0.1" }, { ip => "127.0.0.0/8" }, { ip => "0.0.0.0/0" }, { ip => [ "192.0.2.1", "127.0.0.1/32" ] }, { ip => "::ffff:127.0.0.1" }, { ip => "::ffff:127.0.0.0/104" },
  { ip => "192.0.2.1" }, { ip => "127.0.0.2" }, { ip => "128.0.0.0/8" }, { ip => "::1" }, { ip => "::/0" }, { ip => [] })
--- reasons: valid valid valid valid valid valid wrong_address wrong_address wrong_address wrong_address wrong_address wrong_address



=== what is no address
--- config eval: $main::Hs
--- request eval: main::claims(map +{ ip => $_ }, "localhost", "", "127.0.0.1/33", "127.0.0.1/", "127.1", "127.0.0.1 ", "127.0.0.1/8/8", 2130706433, [ "127.0.0.1", "x" ], "127.0.0.1/+8")
--- reasons eval: [ ("token_malformed") x 10 ]



=== the viewer's address is what realip makes of it
--- config eval: "set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For; $main::Hs"
--- request eval: main::claims(map +{ ip => $_ }, "192.0.2.7", "127.0.0.1", "2001:db8::/32", "192.0.2.0/24", "192.0.2.0/24", "2001:db8::/32")
--- more_headers eval: [ map { "X-Forwarded-For: $_" } "192.0.2.7", "192.0.2.7", "2001:db8::7", "::ffff:192.0.2.7", "192.0.3.1", "2001:db9::1" ]
--- reasons: valid wrong_address valid valid wrong_address wrong_address



=== a viewer without an address
--- http_config eval: "server { listen \$TEST_NGINX_UPSTREAM; root html; $main::Hs }"
--- config
    location / { proxy_pass http://$TEST_NGINX_UPSTREAM; }
--- request eval: main::claims({ ip => "0.0.0.0/0" }, { ip => "::/0" }, {})
--- reasons: wrong_address wrong_address valid



=== several reasons: the end comes first
--- config eval: $main::Hs
--- request eval
main::asks(map { jwt($_) }
  { exp => time - 3600, nbf => time + 3600, aud => "x", method => "PUT", ip => "192.0.2.1" }, { nbf => time + 3600, aud => "x", method => "PUT", ip => "192.0.2.1" }, { aud => "x", method => "PUT", ip => "192.0.2.1" },
  { method => "PUT", ip => "192.0.2.1" }, { ip => "192.0.2.1" }, {})
--- reasons: token_expired token_not_yet_valid wrong_audience wrong_method wrong_address wrong_path



=== a URI's hash (RFC 9246)
--- config eval: main::guarded("hs.key format=jwt", "crossdomain_media_public_url https://media.example.org;")
--- request eval
[ (map { @{ main::targets({ cdniuc => main::uri_hash($_) }, "/media/a.txt") } } "https://media.example.org/media/a.txt", "http://media.example.org/media/a.txt", "https://media.example.org/media/b.txt", "https://localhost/media/a.txt"),
  @{ main::targets({ cdniuc => main::uri_hash("https://media.example.org/media/a.txt?x=1"), cdniv => 1 }, "/media/a.txt?x=1", "/media/a.txt", "/media/a.txt?x=2") } ]
--- reasons: valid wrong_path wrong_path wrong_path valid wrong_path wrong_path



=== a URI's pattern (RFC 9246)
--- config eval: main::guarded("hs.key format=jwt", "crossdomain_media_public_url https://media.example.org;")
--- request eval
[ map { @{ main::targets({ cdniuc => "regex:$_" }, "/media/a.txt") } }
  'https://media\.example\.org/media/[^/]+', 'https://media[.]example[.]org/media/a\.txt', '.*', 'https://media\.example\.org/media/a', 'media\.example\.org/media/a\.txt', '/media/a.txt', 'x|https://media\.example\.org/media/a\.txt', 'https://media\.example\.org/media/a\.txt|x', 'HTTPS://.*' ]
--- reasons: valid valid valid wrong_path wrong_path wrong_path valid valid wrong_path



=== a pattern is anchored at both ends
--- config eval: main::guarded("hs.key format=jwt", "crossdomain_media_public_url https://media.example.org;")
--- request eval
main::targets({ cdniuc => 'regex:https://media\.example\.org/media/a' }, "/media/a.txt", "/media/a/https://media.example.org/media/a", "/media/a?x", "/x?https://media.example.org/media/a", "/media/a%0A")
--- reasons eval: [ ("wrong_path") x 5 ]



=== a pattern is wider than one path, and wants one that can be read in one way
--- config eval: main::guarded("hs.key format=jwt", "crossdomain_media_public_url https://media.example.org;")
--- request eval: main::targets({ cdniuc => 'regex:.*' }, "/media//a.txt", "/media%2Fa.txt", "/media/../media/a.txt")
--- reasons: unsafe_path unsafe_path unsafe_path



=== a container that is none
--- config eval: main::guarded("hs.key format=jwt", "crossdomain_media_public_url https://media.example.org;")
--- request eval
main::asks(map { jwt({ cdniuc => $_ }) } "", "https://media.example.org/media/a.txt", "hash:md5;AA", "regex:(", "regex:a)|(.*", "regex:(?<=a).*", 'regex:(.)\1', "regex:(a{1000}){1000}", "regex:" . "a{1000}" x 50, "Regex:.*")
--- reasons eval: [ ("token_unsupported") x 10 ]



=== a pattern that makes others slow
--- config eval: main::guarded("hs.key format=jwt", "crossdomain_media_public_url https://media.example.org;")
--- request eval: main::targets({ cdniuc => 'regex:https://media\.example\.org/((a*)*)*b' }, "/" . "a" x 3000)
--- reasons: wrong_path
--- timeout: 2



=== a site's own name: the server name that matched, and the port
--- config eval: "server_name media.example.org *.example.net .example.com; $main::Hs"
--- request eval
[ map { my ($host, $uri) = @$_; "GET /media/a.txt?token=" . jwt({ cdniuc => main::uri_hash($uri) }) }
  map { [ $_, "http://$_:" . Test::Nginx::Util::server_port() . "/media/a.txt" ] } "a.example.net", "media.example.org", "example.com", "b.example.com", "other.example.org", "example.net" ]
--- more_headers eval: [ map { "Host: $_" } "a.example.net", "media.example.org", "example.com", "b.example.com", "other.example.org", "example.net" ]
--- reasons: valid valid valid valid wrong_path wrong_path



=== a site's own name is not what a Host header says, nor without the port
--- config eval: "server_name media.example.org; $main::Hs"
--- request eval
my $port = Test::Nginx::Util::server_port();
[ map { "GET /media/a.txt?token=" . jwt({ cdniuc => main::uri_hash("$_/media/a.txt") }) } "http://attacker.example:$port", "http://media.example.org", "https://media.example.org:$port", "http://media.example.org:$port" ]
--- more_headers eval: [ "Host: attacker.example", ("Host: media.example.org") x 3 ]
--- reasons: wrong_path wrong_path wrong_path valid



=== a container and a path both have to cover
--- config eval: main::guarded("hs.key format=jwt", "crossdomain_media_public_url https://media.example.org;")
--- request eval: main::asks(map { jwt({ cdniuc => "regex:$_->[0]", path => $_->[1] }) } [ ".*", "/media/*" ], [ ".*", "/other/*" ], [ "x", "/media/*" ])
--- reasons: valid wrong_path wrong_path



=== RFC 9246's version, and what it calls critical
--- config eval: $main::Hs
--- request eval
main::claims({ cdniv => 1 }, { cdniv => 2 }, { cdniv => "1" }, { cdnicrit => "exp,path" }, { cdnicrit => "cdniuc" }, { cdnicrit => "x" }, { cdnicrit => "exp,x" }, { cdnicrit => "" }, { cdnicrit => ["exp"] })
--- reasons: valid token_unsupported token_malformed valid valid token_unsupported token_unsupported token_unsupported token_malformed



=== RFC 9246's claims that nobody here carries out
--- config eval: $main::Hs
--- request eval: main::claims({ cdniip => "x" }, { cdnistt => 1 }, { cdniets => 30 }, { cdnistd => 1 }, { cdniuc => "regex:.*", jti => "1" }, { jti => "1" })
--- reasons: token_unsupported token_unsupported token_unsupported token_unsupported token_unsupported valid



=== the variables tell what was granted
--- config eval
main::guarded("hs.key format=jwt id=main", 'add_header X-Expires "$crossdomain_media_expires." always; add_header X-Remaining "$crossdomain_media_remaining." always;')
--- request eval
[ "GET /media/a.txt?token=" . jwt({ path => "/media/*", sub => "ann \x{fc}", exp => 4102444800 }), "GET /media/a.txt?token=" . jwt({ path => "/other/*", sub => "ann", exp => 4102444800 }), "GET /media/a.txt?token=" . jwt({ path => "/media/*", exp => 4102444800 }) ]
--- error_code eval: [ 200, 403, 200 ]
--- response_headers_like eval
[ "X-Key: main[.]\nX-Subject: ann \xc3\xbc[.]\nX-Expires: 4102444800[.]\nX-Remaining: [1-9][0-9]{8,9}[.]\nX-Reason: valid", "X-Key: [.]\nX-Subject: [.]\nX-Expires: [.]\nX-Remaining: [.]\nX-Reason: wrong_path", "X-Key: main[.]\nX-Subject: [.]\nX-Reason: valid" ]



=== what remains is what the token states, whatever the leeway
--- config eval
main::guarded("hs.key format=jwt", 'crossdomain_media_leeway 1h; add_header X-Remaining $crossdomain_media_remaining always;')
--- request eval: main::claims({ exp => time - 5 })
--- reasons: valid
--- response_headers
X-Remaining: 0



=== a subject with control characters
--- config eval: $main::Hs
--- request eval: main::texts(map { "{END,PATH,\"sub\":\"$_\"}" } 'a\n', 'a\r\nX-Injected: 1', 'a\u0000', '\u007f', '\u0080', '\u009f', "\xc2\x85", '\t', 'a\u0020b', '\u00a0')
--- reasons: token_malformed token_malformed token_malformed token_malformed token_malformed token_malformed token_malformed token_malformed valid valid



=== a subject that is no text
--- config eval: $main::Hs
--- request eval: main::texts(map { "{END,PATH,\"sub\":$_}" } '7', 'null', '["a"]', '""', '"\ud83d\ude00"')
--- reasons: token_malformed token_malformed token_malformed valid valid



=== a subject with escapes is what it means
--- config eval: $main::Hs
--- request eval: main::texts('{END,PATH,"sub":"\u0061n\u006e \"\/"}')
--- reasons: valid
--- response_headers
X-Subject: ann "/.



=== a key id with control characters
--- config eval: $main::Hs
--- request eval: main::headers(map { "{\"alg\":\"HS256\",\"kid\":\"$_\"}" } '\n', '\u0085', 'a b', '')
--- reasons: token_malformed token_malformed valid valid



=== a key id that is no text
--- config eval: $main::Hs
--- request eval: main::headers(map { "{\"alg\":\"HS256\",\"kid\":$_}" } '1', 'null', '["a"]')
--- reasons: token_malformed token_malformed token_malformed



=== the key that a token names
--- config eval: main::guarded([ "hs.key format=jwt id=new", "other.key format=jwt id=old" ])
--- request eval
main::asks(map { jwt({ path => "/media/a.txt" }, key => $_->[0], header => $_->[1]) }
  [ "hs.key", { kid => "new" } ], [ "other.key", { kid => "old" } ], [ "hs.key", { kid => "old" } ], [ "hs.key", {} ], [ "other.key", {} ], [ "hs.key", { kid => "New" } ], [ "hs.key", { kid => "" } ])
--- reasons: valid valid bad_signature valid valid unknown_key unknown_key
--- response_headers eval: [ map { "X-Key: $_." } "new", "old", "", "new", "old", "", "" ]



=== a key without an id is for tokens that name another
--- config eval: main::guarded([ "hs.key format=jwt", "other.key format=jwt id=old" ])
--- request eval
main::asks(map { jwt({ path => "/media/a.txt" }, key => $_->[0], header => { kid => $_->[1] }) } [ "hs.key", "x" ], [ "other.key", "x" ], [ "hs.key", "old" ])
--- reasons: valid bad_signature bad_signature



=== at most four keys are tried
--- config eval
main::guarded([ (map { "other.key format=jwt id=k$_" } 1 .. 4), "hs.key format=jwt id=k5" ])
--- request eval: main::asks(jwt({ path => "/media/a.txt" }), jwt({ path => "/media/a.txt" }, header => { kid => "k5" }))
--- reasons: bad_signature valid



=== the fourth key is tried
--- config eval
main::guarded([ (map { "other.key format=jwt id=k$_" } 1 .. 3), "ec.pub.pem format=jwt", "hs.key format=jwt id=k5" ])
--- request eval: main::asks(jwt({ path => "/media/a.txt" }))
--- reasons: valid



=== a JWK Set
--- config eval
main::keyed({ keys => [ main::oct_jwk("hs.key", kid => "a"), jwk("rsa", kid => "b"), jwk("ec", kid => "c"), jwk("ed", kid => "d"), jwk("rsa2", kid => "e", alg => "PS256"), jwk("ed2") ] })
--- request eval
main::asks(map { jwt({ path => "/media/a.txt" }, alg => $_->[0], header => $_->[1] ? { kid => $_->[1] } : {}, @$_[ 2 .. $#$_ ]) }
  [ "HS256", "a" ], [ "RS256", "b" ], [ "ES256", "c" ], [ "EdDSA", "d" ], [ "PS256", "e", key => "rsa2" ], [ "EdDSA", "z", key => "ed2" ],
  [ "EdDSA", undef, key => "ed2" ], [ "ES256" ], [ "HS256", "b" ], [ "EdDSA", "c" ], [ "EdDSA", "d", key => "ed2" ], [ "ES256", "c", key => "ec2" ], [ "HS256", "a", key => "other.key" ])
--- reasons: valid valid valid valid valid valid valid valid unknown_key unknown_key bad_signature bad_signature bad_signature
--- response_headers eval: [ map { "X-Key: $_." } "a", "b", "c", "d", "e", "", "", "c", ("") x 5 ]



=== a JWK by itself
--- config eval: main::keyed(jwk("ec", kid => "only"))
--- request eval: main::asks(jwt({ path => "/media/a.txt" }, alg => "ES256"))
--- reasons: valid
--- response_headers
X-Key: only.



=== a JWK Set with options that hold for all
--- config eval: main::keyed({ keys => [ jwk("ec"), jwk("ed") ] }, "aud=media path_claim=scope")
--- request eval: main::asks(map { jwt({ scope => "/media/*", aud => "media" }, alg => $_) } "ES256", "EdDSA")
--- reasons: valid valid



=== a JWK Set: keys for something else are left out in silence, others with a warning
--- config eval
main::keyed({ keys => [ main::oct_jwk(), jwk("rsa", use => "enc", alg => "RSA-OAEP"), jwk("ed2", key_ops => ["sign"]), { kty => "AKP", alg => "ML-DSA-44" }, jwk("ec2", alg => "ES384", crv => "P-384") ] })
--- request eval: main::asks(jwt({ path => "/media/a.txt" }, alg => "EdDSA", key => "ed2"))->[0]
--- reasons: unknown_key
--- error_log eval: qr/\[warn\] .*crossdomain_media_key: \S+site\d+\.key: 2 of its keys left out, as their type or algorithm is not supported in \S+:\d+/



=== Django's and JWT's keys side by side
--- config eval: main::guarded("hs.key format=jwt id=jwt", 'crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key id=django; crossdomain_media_max_age 1h;')
--- request eval
[ "GET /media/a.txt?" . token_arg("/media/a.txt"), "GET " . jwt_signed("/media/a.txt"), "GET /media/a.txt?" . token_arg("/media/b.txt"), "GET " . jwt_signed("/media/a.txt", key => "other.key"), "GET /media/a.txt?token=x" ]
--- reasons: valid valid bad_signature bad_signature token_malformed
--- response_headers eval: [ "X-Key: django.", "X-Key: jwt.", "X-Key: .", "X-Key: .", "X-Key: ." ]



=== no key of that format
--- config eval: $main::Hs
--- request eval: "GET /media/a.txt?" . token_arg("/media/a.txt")
--- reasons: token_malformed



=== no key of that format: a JWT among Django's
--- config
    location / {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
        add_header X-Reason $crossdomain_media_reason always;
    }
--- request eval: "GET " . jwt_signed("/media/a.txt", secret => secret("main.key"))
--- reasons: token_malformed



=== the log names the key once the signature holds, and never the token
--- config eval: main::guarded("hs.key format=jwt id=main")
--- request eval: "GET /media/b.txt?x=1&token=" . jwt({ path => "/media/a.txt" })
--- reasons: wrong_path
--- error_log
crossdomain_media: invalid, reason: wrong_path, key: "main", uri: "/media/b.txt?x=1", client: 127.0.0.1
request: "GET /media/b.txt?x=1&token=*** HTTP/1.1"
--- no_error_log
eyJ
--- access_log
"GET /media/b.txt?x=1&token=*** HTTP/1.1" 403
--- no_access_log
eyJ



=== the log names no key where no signature held
--- config eval: main::guarded("hs.key format=jwt id=main")
--- request eval: main::asks(jwt({ path => "/media/a.txt" }, header => { kid => "x" }))->[0]
--- reasons: unknown_key
--- error_log
crossdomain_media: invalid, reason: unknown_key, uri: "/media/a.txt", client: 127.0.0.1



=== the log says the reason: token_not_yet_valid
--- config eval: main::guarded("hs.key format=jwt id=main", "crossdomain_media_log_level warn;")
--- request eval: main::claims({ nbf => time + 3600 })->[0]
--- reasons: token_not_yet_valid
--- error_log eval: qr/\[warn\] .*crossdomain_media: invalid, reason: token_not_yet_valid, key: "main", uri: "\/media\/a\.txt", client: 127/



=== the log says the reason: wrong_audience
--- config eval: main::guarded("hs.key format=jwt id=main", "crossdomain_media_log_level warn;")
--- request eval: main::claims({ aud => "x" })->[0]
--- reasons: wrong_audience
--- error_log eval: qr/\[warn\] .*crossdomain_media: invalid, reason: wrong_audience, key: "main", uri: "\/media\/a\.txt", client: 127/



=== the log says the reason: wrong_method
--- config eval: main::guarded("hs.key format=jwt id=main", "crossdomain_media_log_level warn;")
--- request eval: main::claims({ method => "PUT" })->[0]
--- reasons: wrong_method
--- error_log eval: qr/\[warn\] .*crossdomain_media: invalid, reason: wrong_method, key: "main", uri: "\/media\/a\.txt", client: 127/



=== the log says the reason: wrong_address
--- config eval: main::guarded("hs.key format=jwt id=main", "crossdomain_media_log_level warn;")
--- request eval: main::claims({ ip => "192.0.2.1" })->[0]
--- reasons: wrong_address
--- error_log eval: qr/\[warn\] .*crossdomain_media: invalid, reason: wrong_address, key: "main", uri: "\/media\/a\.txt", client: 127/



=== the log says the reason: token_unsupported
--- config eval: main::guarded("hs.key format=jwt id=main", "crossdomain_media_log_level warn;")
--- request eval: main::claims({ cdnistt => 1 })->[0]
--- reasons: token_unsupported
--- error_log eval: qr/\[warn\] .*crossdomain_media: invalid, reason: token_unsupported, key: "main", uri: "\/media\/a\.txt", client: 127/



=== keys are inherited, or replaced all together
--- config
    crossdomain_media https://www.example.com;
    crossdomain_media_key $TEST_NGINX_JWT_DIR/hs.key format=jwt id=a;
    add_header X-Reason $crossdomain_media_reason always;
    location /media/ { }
    location /other/ {
        crossdomain_media_key $TEST_NGINX_JWT_DIR/other.key format=jwt id=b;
        location /other/django/ { crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key; crossdomain_media_max_age 1h; }
    }
--- user_files eval: [ map { [ $_, "private\n" ] } "media/a.txt", "other/a.txt", "other/django/a.txt" ]
--- request eval
[ map { "GET $_->[0]" . ($_->[1] eq "django" ? "?" . token_arg($_->[0]) : "?token=" . jwt({ path => "/*" }, key => $_->[1])) }
  [ "/media/a.txt", "hs.key" ], [ "/media/a.txt", "other.key" ], [ "/other/a.txt", "other.key" ], [ "/other/a.txt", "hs.key" ], [ "/other/django/a.txt", "django" ], [ "/other/django/a.txt", "hs.key" ] ]
--- reasons: valid bad_signature valid bad_signature valid token_malformed



=== a key in limit_except
--- config
    location /media/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_JWT_DIR/hs.key format=jwt;
        limit_except GET { crossdomain_media_key $TEST_NGINX_JWT_DIR/other.key format=jwt; }
    }
--- request eval: [ "GET " . jwt_signed("/media/a.txt"), "DELETE " . jwt_signed("/media/a.txt"), "DELETE " . jwt_signed("/media/a.txt", key => "other.key") ]
--- error_code eval: [ 200, 403, 405 ]



=== a secret in another encoding
--- config eval
my $secret = key_text("hs.key");
Jwt::write_key("a.hex", unpack "H*", $secret);
Jwt::write_key("a.b64", MIME::Base64::encode_base64($secret));
Jwt::write_key("a.b64u", Jwt::encode_base64url($secret));
Jwt::write_key("a.raw", "$secret\n");
my %encoding = (hex => "hex", b64 => "base64", b64u => "base64url", raw => "raw");
CORE::join "", map { "location /$_/ { alias \$TEST_NGINX_HTML_DIR/media/; crossdomain_media https://www.example.com; crossdomain_media_key \$TEST_NGINX_JWT_DIR/a.$_ format=jwt encoding=$encoding{$_}; }" } sort keys %encoding;
--- request eval: [ map { my $file = $_; map { "GET " . jwt_signed("/$file/a.txt", key => $_) } "hs.key", "other.key" } qw(b64 b64u hex raw) ]
--- error_code eval: [ (200, 403) x 4 ]



=== a secret that others can read is warned of
--- config eval: main::keyed("x" x 32, "", 0644)
--- request eval: main::asks(jwt({ path => "/media/a.txt" }, secret => "x" x 32))
--- reasons: valid
--- error_log eval: qr{\[warn\] .*crossdomain_media_key: \S+/site\d+\.key: mode 0644 lets every user read the key; use chmod o-r in \S+:\d+}



=== a set with a secret that others can read is warned of
--- config eval: main::keyed({ keys => [ jwk("ed"), main::oct_jwk() ] }, "", 0644)
--- request eval: main::asks(jwt({ path => "/media/a.txt" }))
--- reasons: valid
--- error_log eval: qr{\[warn\] .*mode 0644 lets every user read the key}



=== a public key may be read by all, since it is no secret
--- config eval: main::keyed({ keys => [ jwk("ed") ] }, "", 0644)
--- request eval: main::asks(jwt({ path => "/media/a.txt" }, alg => "EdDSA"))
--- reasons: valid
--- no_error_log
[warn]



=== a PEM file may be read by all
--- config eval: main::keyed(key_text("ec.pub.pem"), "", 0644)
--- request eval: main::asks(jwt({ path => "/media/a.txt" }, alg => "ES256"))
--- reasons: valid
--- no_error_log
[warn]



=== a secret is as long as its hash: HS256
--- config eval: main::keyed("x" x 31 . "\n")
--- must_die
--- error_log eval: qr{crossdomain_media_key: \S+/site\d+\.key: 31 bytes, HS256 needs at least 32 in }



=== a secret is as long as its hash: HS384
--- config eval: main::keyed("x" x 47, "alg=HS384")
--- must_die
--- error_log eval: qr{site\d+\.key: 47 bytes, HS384 needs at least 48 in }



=== a secret is as long as its hash: HS512
--- config eval: main::keyed("x" x 63, "alg=HS512")
--- must_die
--- error_log eval: qr{site\d+\.key: 63 bytes, HS512 needs at least 64 in }



=== a secret is decoded before it is measured
--- config eval: main::keyed("0" x 62, "encoding=hex")
--- must_die
--- error_log eval: qr{site\d+\.key: 31 bytes, HS256 needs at least 32 in }



=== an encoding that the file is not in
--- config eval: main::keyed("?" x 64, "encoding=base64url")
--- must_die
--- error_log eval: qr{site\d+\.key: not valid base64url in }



=== an empty file
--- config eval: main::keyed("\n")
--- must_die
--- error_log eval: qr{site\d+\.key: empty in }



=== a secret for an algorithm that needs a public key
--- config eval: main::keyed("x" x 64, "alg=RS256")
--- must_die
--- error_log eval: qr{site\d+\.key: no PEM public key, which RS256 needs in }



=== a public key for an HMAC
--- config eval: main::guarded("rsa.pub.pem format=jwt alg=HS256")
--- must_die
--- error_log eval: qr{rsa\.pub\.pem: "alg=HS256" does not go with an RSA public key in }



=== a public key for another algorithm
--- config eval: main::guarded("ed.pub.pem format=jwt alg=ES256")
--- must_die
--- error_log eval: qr{ed\.pub\.pem: "alg=ES256" does not go with an Ed25519 public key in }



=== an encoding for a PEM file
--- config eval: main::guarded("ec.pub.pem format=jwt encoding=base64")
--- must_die
--- error_log eval: qr{ec\.pub\.pem: "encoding=" has no effect with a PEM file in }



=== a private key
--- config eval: main::guarded("ec.pem format=jwt")
--- must_die
--- error_log eval: qr{ec\.pem: a private key; give the public one, which is all that verifying needs in }



=== a private key in a JWK
--- config eval: main::keyed(jwk("ed", d => "AAAA"))
--- must_die
--- error_log eval: qr{site\d+\.key: a private key; give the public one, which is all that verifying needs in }



=== a short RSA key
--- config eval: main::guarded("short.pub.pem format=jwt")
--- must_die
--- error_log eval: qr{short\.pub\.pem: 1024 bits, an RSA key has 2048 to 8192 in }



=== a curve that is none of ours
--- config eval: main::guarded("p384.pub.pem format=jwt")
--- must_die
--- error_log eval: qr{p384\.pub\.pem: expected an RSA, P-256 or Ed25519 public key in }



=== two keys in one PEM file
--- config eval: main::keyed(key_text("ec.pub.pem") . key_text("ec2.pub.pem"))
--- must_die
--- error_log eval: qr{site\d+\.key: expected one PEM block, "PUBLIC KEY" in }



=== another kind of PEM file
--- config eval: main::keyed(key_text("ec.pub.pem") =~ s/PUBLIC KEY/CERTIFICATE/gr)
--- must_die
--- error_log eval: qr{site\d+\.key: expected one PEM block, "PUBLIC KEY" in }



=== a set that is no JSON
--- config eval: main::keyed('{"keys":[')
--- must_die
--- error_log eval: qr{site\d+\.key: neither a JWK nor a JWK Set in }



=== a set with a key that is bound to no algorithm
--- config eval: main::keyed({ keys => [ main::oct_jwk(), jwk("ec", alg => undef) ] })
--- must_die
--- error_log eval: qr{site\d+\.key: key 2 of the set: no "alg", to which a key has to be bound in }



=== a set with an id twice
--- config eval: main::keyed({ keys => [ main::oct_jwk("hs.key", kid => "a"), jwk("ec", kid => "a") ] })
--- must_die
--- error_log eval: qr{site\d+\.key: key 2 of the set: "kid" a is another key's already in }



=== a set with an id that could not be logged
--- config eval: main::keyed({ keys => [ main::oct_jwk("hs.key", kid => "a b") ] })
--- must_die
--- error_log eval: qr{site\d+\.key: key 1 of the set: "kid": expected 1 to 64 visible ASCII characters without quotes in }



=== a set with a short secret
--- config eval: main::keyed({ keys => [ { kty => "oct", alg => "HS256", k => "c2hvcnQ" } ] })
--- must_die
--- error_log eval: qr{site\d+\.key: key 1 of the set: 5 bytes, HS256 needs at least 32 in }



=== a set with a key that is not of its algorithm
--- config eval: main::keyed({ keys => [ jwk("ec", alg => "RS256") ] })
--- must_die
--- error_log eval: qr{site\d+\.key: key 1 of the set: its "kty" and "crv" do not go with RS256 in }



=== a set with a broken key
--- config eval: main::keyed({ keys => [ jwk("ed", x => "AAAA") ] })
--- must_die
--- error_log eval: qr{site\d+\.key: key 1 of the set: not a valid JWK in }



=== a set without a usable key
--- config eval: main::keyed({ keys => [ jwk("rsa", use => "enc"), { kty => "AKP", alg => "ML-DSA-44" } ] })
--- must_die
--- error_log eval: qr{site\d+\.key: no key in it verifies signatures by HS256, HS384, HS512, RS256, PS256, ES256 or EdDSA in }



=== an empty set
--- config eval: main::keyed({ keys => [] })
--- must_die
--- error_log eval: qr{site\d+\.key: no key in it verifies signatures by HS256, }



=== a set says by itself what its keys' algorithms are
--- config eval: main::keyed({ keys => [ jwk("ec") ] }, "alg=ES256")
--- must_die
--- error_log eval: qr{site\d+\.key: "alg=" has no effect with a JWK, which says that itself in }



=== a set says by itself what its keys' ids are
--- config eval: main::keyed(jwk("ec"), "id=a")
--- must_die
--- error_log eval: qr{site\d+\.key: "id=" has no effect with a JWK, which says that itself in }



=== a set is in no other encoding
--- config eval: main::keyed(jwk("ec"), "encoding=hex")
--- must_die
--- error_log eval: qr{site\d+\.key: "encoding=" has no effect with a JWK, which says that itself in }



=== an id of a set that another file's key has
--- config eval
Jwt::write_key("set.json", JSON::PP::encode_json({ keys => [ main::oct_jwk("hs.key", kid => "a") ] }));
main::guarded([ "other.key format=jwt id=a", "set.json format=jwt" ]);
--- must_die
--- error_log eval: qr{set\.json: "id=a" is another key's id already in }



=== an algorithm of the other format
--- config eval: main::guarded("hs.key format=jwt alg=sha256")
--- must_die
--- error_log eval: qr{hs\.key: "alg=sha256": expected HS256, HS384, HS512, RS256, PS256, ES256 or EdDSA in }



=== an algorithm of JOSE for Django
--- config eval: main::guarded("hs.key alg=HS256")
--- must_die
--- error_log eval: qr{hs\.key: "alg=HS256": expected sha256 or sha1 in }



=== none is no algorithm of a key
--- config eval: main::guarded("hs.key format=jwt alg=none")
--- must_die
--- error_log eval: qr{hs\.key: "alg=none": expected HS256, }



=== parameters of the other format: salt
--- config eval: main::guarded("hs.key salt=x format=jwt")
--- must_die
--- error_log eval: qr{hs\.key: "salt=" has no effect with "format=jwt" in }



=== parameters of the other format: derived
--- config eval: main::guarded("hs.key format=jwt derived")
--- must_die
--- error_log eval: qr{hs\.key: "derived" has no effect with "format=jwt" in }



=== parameters of the other format: signs
--- config eval: main::guarded("hs.key format=jwt signs=parent")
--- must_die
--- error_log eval: qr{hs\.key: "signs=" has no effect with "format=jwt" in }



=== parameters of the other format: max_future
--- config eval: main::guarded("hs.key format=jwt max_future=1s")
--- must_die
--- error_log eval: qr{hs\.key: "max_future=" has no effect with "format=jwt" in }



=== parameters of the other format: path_claim
--- config eval: main::guarded("hs.key path_claim=sub")
--- must_die
--- error_log eval: qr{hs\.key: "path_claim=" has no effect with "format=django" in }



=== parameters of the other format: aud
--- config eval: main::guarded("hs.key aud=x")
--- must_die
--- error_log eval: qr{hs\.key: "aud=" has no effect with "format=django" in }



=== a claim that means something else
--- config eval: main::guarded("hs.key format=jwt path_claim=exp")
--- must_die
--- error_log eval: qr{hs\.key: "path_claim=exp": expected a claim that has no other meaning in }



=== no claim
--- config eval: main::guarded("hs.key format=jwt path_claim=")
--- must_die
--- error_log eval: qr{hs\.key: "path_claim=": expected a claim that has no other meaning in }



=== no audience
--- config eval: main::guarded("hs.key format=jwt aud=")
--- must_die
--- error_log eval: qr{hs\.key: "aud=": expected whom the tokens are for in }



=== an unknown parameter
--- config eval: main::guarded("hs.key format=jwt max_age=1s")
--- must_die
--- error_log eval: qr{hs\.key: unknown parameter "max_age=1s" in }



=== a parameter twice
--- config eval: main::guarded("hs.key format=jwt aud=a aud=b")
--- must_die
--- error_log eval: qr{hs\.key: "aud" is given twice in }
