# crossdomain_media_revoked: what no longer counts although its signature holds.
use v5.20;
use lib 't/lib';
use Test::Nginx::Socket 'no_plan';
use Media;
use Jwt;

Jwt::write_key('revoked', "# by hand\n\nsub mallory\n  jti 7\t\r\n", 0644);
Jwt::write_key('other', "kid jwt\nsub Ann Lee\n", 0644);
Jwt::write_key('keys', "kid main\n", 0644);
Jwt::write_key('none', '', 0600);
Jwt::write_key('broken', "jti 1\nuser mallory\n");
Jwt::write_key('binary', "jti 1\n\n\njti \xff\n");
Jwt::write_key('large', "#" x (16 * 1024 * 1024 + 1));

# A site that trusts Django's tokens and JWTs. What the verdict was, each response says.
sub guarded {
    my ($more, $path) = @_;
    $path //= '/media/';
    return <<"CONFIG";
    location $path {
        crossdomain_media https://www.example.com;
        crossdomain_media_key \$TEST_NGINX_KEYS_DIR/main.key id=main;
        crossdomain_media_key \$TEST_NGINX_JWT_DIR/hs.key format=jwt id=jwt;
        crossdomain_media_token arg:token arg:t;
        add_header X-Reason "\$crossdomain_media_reason \$crossdomain_media_key_id." always;
        @{[ $more // '' ]}
    }
CONFIG
}

sub revoked { return "crossdomain_media_revoked \$TEST_NGINX_JWT_DIR/$_[0];" }

# Requests for the private file: with tokens of these claims, and last with Django's.
sub asks {
    my @tokens = map { jwt({ path => '/media/a.txt', %$_ }) } @_;
    return [ (map { "GET /media/a.txt?token=$_" } @tokens), 'GET ' . signed('/media/a.txt') ];
}

our @All = ({ sub => 'mallory' }, { jti => '7' }, { sub => '7', jti => 'mallory' }, {}, { sub => 'Ann Lee' });

sub reasons { return [ map { "X-Reason: $_." } @_ ] }

run_tests();

__DATA__

=== a subject and a token's id
--- config eval: main::guarded(main::revoked('revoked'))
--- request eval: main::asks(@main::All)
--- error_code eval: [ 403, 403, 200, 200, 200, 200 ]
--- response_headers eval
main::reasons('revoked ', 'revoked ', 'valid jwt', 'valid jwt', 'valid jwt', 'valid main')



=== a key, and a subject with a space
--- config eval: main::guarded(main::revoked('other'))
--- request eval: main::asks(@main::All)
--- error_code eval: [ (403) x 5, 200 ]
--- response_headers eval
main::reasons(('revoked ') x 5, 'valid main')



=== a key of Django
--- config eval: main::guarded(main::revoked('keys'))
--- request eval: main::asks({}, { sub => 'main', jti => 'main' })
--- error_code eval: [ 200, 200, 403 ]
--- response_headers eval
main::reasons('valid jwt', 'valid jwt', 'revoked ')



=== an empty list, and one that is not looked for at the child
--- config eval
main::revoked('revoked') . main::guarded(main::revoked('none'))
--- request eval: main::asks({ sub => 'mallory' })
--- error_code eval: [ 200, 200 ]



=== a list is inherited, and "off" ends that
--- http_config eval: main::revoked('revoked') =~ s/\$TEST_NGINX_JWT_DIR/$ENV{TEST_NGINX_JWT_DIR}/r
--- config eval
main::guarded() . main::guarded('crossdomain_media_revoked off;', '= /media/b.txt')
--- request eval
my $token = jwt({ path => '/media/*', sub => 'mallory' });
[ "GET /media/a.txt?token=$token", "GET /media/b.txt?token=$token" ]
--- error_code eval: [ 403, 200 ]



=== the log says why, with the key, and never who
--- config eval: main::guarded(main::revoked('revoked'))
--- request eval: main::asks({ sub => 'mallory' })->[0]
--- error_code: 403
--- error_log
invalid, reason: revoked, key: "jwt", uri: "/media/a.txt"
--- no_error_log eval
qr/^(?!.*\[debug\]).*mallory/



=== another credential of the request still grants
--- config eval: main::guarded(main::revoked('revoked'))
--- request eval
my $revoked = jwt({ path => '/media/a.txt', sub => 'mallory' });
[ "GET /media/a.txt?token=$revoked&t=" . percent(token('/media/a.txt')), "GET /media/a.txt?token=$revoked&t=$revoked" ]
--- error_code eval: [ 200, 403 ]



=== what expired stays expired, so that it is renewed
--- config eval: main::guarded(main::revoked('revoked'))
--- request eval
[ map { "GET /media/a.txt?token=" . jwt({ path => '/media/a.txt', jti => '7', exp => time + $_ }) } -10, 3600 ]
--- error_code eval: [ 302, 403 ]



=== "invalid" decides what follows
--- config eval: main::guarded(main::revoked('revoked') . 'crossdomain_media_on invalid 410;')
--- request eval: main::asks({ jti => '7' })->[0]
--- error_code: 410



=== an id that is no text is no id
--- config eval: main::guarded(main::revoked('revoked'))
--- request eval: main::asks({ jti => 7 }, { jti => [ '7' ] })
--- error_code eval: [ 403, 403, 200 ]
--- response_headers eval
main::reasons('token_malformed ', 'token_malformed ', 'valid main')



=== without a list an id may be anything
--- config eval: main::guarded()
--- request eval: main::asks({ jti => 7 }, { jti => [ '7' ] })
--- error_code eval: [ 200, 200, 200 ]



=== a line that means nothing
--- config eval: main::guarded(main::revoked('broken'))
--- must_die
--- error_log eval
qr/\[emerg\] .*crossdomain_media_revoked: .*broken: line 2: expected "kid ID", "sub SUBJECT" or "jti ID" in .*nginx\.conf:\d+/



=== what is no text
--- config eval: main::guarded(main::revoked('binary'))
--- must_die
--- error_log eval
qr/\[emerg\] .*crossdomain_media_revoked: .*binary: line 4 is not valid UTF-8 in /



=== a file that is not there
--- config eval: main::guarded(main::revoked('nowhere'))
--- must_die
--- error_log eval
qr/\[emerg\] .*crossdomain_media_revoked: .*nowhere: No such file or directory/



=== a folder
--- config eval: main::guarded('crossdomain_media_revoked /;')
--- must_die
--- error_log eval
qr/\[emerg\] .*crossdomain_media_revoked: \/: not a regular file/



=== too large
--- config eval: main::guarded(main::revoked('large'))
--- must_die
--- error_log eval
qr/\[emerg\] .*crossdomain_media_revoked: .*large: larger than 16777216 bytes/



=== no name
--- config eval: main::guarded('crossdomain_media_revoked "";')
--- must_die
--- error_log eval
qr/\[emerg\] .*crossdomain_media_revoked: "": expected the name of a file/



=== twice
--- config eval: main::guarded(main::revoked('none') . main::revoked('none'))
--- must_die
--- error_log
"crossdomain_media_revoked" directive is duplicate
