// Where the server listens, and which names it answers to.
#include "tools/bursar/serve_address.h"

#include <gtest/gtest.h>

#include "tools/bursar/fault.h"

namespace bursar::test {
namespace {

using tool::ListenAddress;
using tool::parse_listen_address;

TEST(ServeAddress, WhatItTakes) {
  EXPECT_EQ(parse_listen_address("127.0.0.1:9477").text(), "127.0.0.1:9477");
  EXPECT_EQ(parse_listen_address("localhost:80").text(), "127.0.0.1:80");
  EXPECT_EQ(parse_listen_address("9477").text(), "127.0.0.1:9477");
  EXPECT_EQ(parse_listen_address("[::1]:9477").text(), "[::1]:9477");
  EXPECT_EQ(parse_listen_address("0.0.0.0:0").port, 0);
}

TEST(ServeAddress, OnlyLoopbackIsLoopback) {
  for (const char* text : {"127.0.0.1:1", "127.1.2.3:1", "[::1]:1", "localhost:1", "1"}) {
    EXPECT_TRUE(parse_listen_address(text).is_loopback) << text;
  }
  for (const char* text : {"0.0.0.0:1", "[::]:1", "10.0.0.1:1"})
    EXPECT_FALSE(parse_listen_address(text).is_loopback) << text;
}

TEST(ServeAddress, FaultsSayWhatIsWrong) {
  const auto fault_of = [](const char* text) -> std::string {
    try {
      (void)parse_listen_address(text);
    } catch (const tool::Fault& fault) {
      return fault.what();
    }
    return "none";
  };
  for (const char* text : {"", ":", "127.0.0.1", "127.0.0.1:", "[::1]", "[::1", "127.0.0.1:http", "127.0.0.1:-1"}) {
    EXPECT_NE(fault_of(text).find("it names no port"), std::string::npos) << text << " -> " << fault_of(text);
  }
  EXPECT_NE(fault_of("127.0.0.1:65536").find("a port is at most 65535"), std::string::npos);
  for (const char* text : {"example.org:80", "1.2.3:80", ":80", "::1:80:x", "[fe80::1::]:80"}) {
    EXPECT_NE(fault_of(text), "none") << text;
  }
}

TEST(ServeAddress, OnLoopbackOnlyItsOwnNamesAreAnswered) {
  const ListenAddress listen = parse_listen_address("127.0.0.2:9477");
  for (const char* host :
       {"localhost", "localhost:9477", "LOCALHOST:1", "127.0.0.1:9477", "127.0.0.2", "[::1]:9477", "[::1]", ""}) {
    EXPECT_TRUE(is_own_host(listen, host)) << host;
  }
  for (const char* host : {"evil.example", "evil.example:9477", "127.0.0.1.evil.example", "localhost.evil.example:9477",
                           "10.0.0.1", "[::2]:9477", ":9477"}) {
    EXPECT_FALSE(is_own_host(listen, host)) << host;
  }
}

TEST(ServeAddress, BeyondLoopbackAnyNameMayBeItsOwn) {
  EXPECT_TRUE(is_own_host(parse_listen_address("0.0.0.0:9477"), "host.example:9477"));
}

}  // namespace
}  // namespace bursar::test
