# What a Perl program that turns text into records does: split, hash, sort, join. work.pl ROUNDS
# Prints a checksum, which is the same on every allocator (PERL_HASH_SEED=0).
use strict;
use warnings;

my $rounds = shift;

sub lines_of {
    my ($round) = @_;
    return map { join ',', $_, 'name' . ($_ * 7919 % 700), $_ * $round % 1009, 'x' x ($_ % 45) } 1 .. 5000;
}

sub records_of {
    my @records;
    for my $line (@_) {
        my ($id, $name, $amount, $text) = split /,/, $line, 4;
        push @records, { id => $id, name => $name, amount => $amount, text => $text, tags => [ $name =~ /(\d)/g ] };
    }
    return \@records;
}

sub groups_of {
    my ($records) = @_;
    my %groups;
    push @{ $groups{ $_->{name} } }, $_ for @$records;
    return \%groups;
}

my $checksum = 0;
my %kept;    # lives on for twenty rounds
for my $round (1 .. $rounds) {
    my $records = records_of(lines_of($round));
    my $groups = groups_of($records);
    my $report = '';
    for my $name (sort keys %$groups) {
        my $total = 0;
        $total += $_->{amount} for @{ $groups->{$name} };
        $report .= sprintf "%-12s %8d %s\n", $name, $total, join ' ', map { @{ $_->{tags} } } @{ $groups->{$name} };
    }
    $report =~ s/name(\d+)/<$1>/g;
    $kept{ $round % 20 } = { map { $_->{id} => "$_->{name}:$_->{text}" } @$records };
    $checksum = ($checksum * 31 + unpack '%32C*', $report) % 2147483647;
}
my $length = 0;
$length += length for map { values %$_ } values %kept;
print "$rounds rounds, checksum $checksum, kept $length\n";
