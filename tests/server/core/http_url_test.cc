#include "server/core/http_url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/support/status_matchers.h"

namespace millrace::core {
namespace {

using ::millrace::testing::IsOk;
using ::testing::Not;

bool IsBelow(const std::string& url, const std::string& prefix) {
  return core::IsBelow(*ReadHttpUrl(url), *ReadHttpUrl(prefix));
}

TEST(HttpUrlTest, AUrlIsAnOriginAndAPath) {
  ASSERT_OK_AND_ASSIGN(const HttpUrl url, ReadHttpUrl("HTTPS://Hooks.Example.org/a/B?c=d"));
  EXPECT_EQ(url.origin, "https://hooks.example.org:443");
  EXPECT_EQ(url.path, "/a/B?c=d");
  EXPECT_EQ(ReadHttpUrl("http://127.0.0.1:8080")->origin, "http://127.0.0.1:8080");
  EXPECT_EQ(ReadHttpUrl("http://127.0.0.1:8080")->path, "/");
  EXPECT_EQ(ReadHttpUrl("http://h?x")->path, "/?x");
  EXPECT_EQ(ReadHttpUrl("http://[::1]:81/a")->origin, "http://[::1]:81");
  EXPECT_EQ(ReadHttpUrl("http://[::1]/a")->origin, "http://[::1]:80");
}

TEST(HttpUrlTest, WhatCouldBeReadInAnotherWayIsRefused) {
  for (const char* url : {"",
                          "hooks",
                          "ftp://h/",
                          "http://",
                          "http:///a",
                          "http://h:0/",
                          "http://h:65536/",
                          "http://h:/",
                          "http://h:+1/",
                          "http://u@h/",
                          "http://allowed@evil/",
                          "http://h/#f",
                          "http://h/a b",
                          "http://h/\n",
                          "http://h\\evil/",
                          "http://h/a/../b",
                          "http://h/a/%2e%2E/b",
                          "http://h/.",
                          "http://h/a%2f../b",
                          "http://h/%5c../b",
                          "http://h/a/..;/b",
                          "http://h/a/.;x=1/b",
                          "http://h/a/%2e.%3B/b",
                          "http://h/a/%252e%252e/b",
                          "http://h/a%25",
                          "http://h_x/",
                          "http://[::1",
                          "http://h\xc3\xa4/"}) {
    EXPECT_THAT(ReadHttpUrl(url), Not(IsOk())) << url;
  }
  EXPECT_THAT(ReadHttpUrl("http://h/" + std::string(2048, 'a')), Not(IsOk()));
  EXPECT_THAT(ReadHttpUrl("http://h/a...b/.well-known?q=.."), IsOk());
  EXPECT_THAT(ReadHttpUrl("http://h/a;v=1/b..;c?q=%25"), IsOk());
}

TEST(HttpUrlTest, BelowIsTheSameOriginAndAPathThatGoesOnBehindTheWhole) {
  EXPECT_TRUE(IsBelow("https://h/a", "https://h/a"));
  EXPECT_TRUE(IsBelow("https://h/a/b", "https://h/a"));
  EXPECT_TRUE(IsBelow("https://h:443/a?b", "https://H/a"));
  EXPECT_TRUE(IsBelow("https://h/a/b", "https://h/a/"));
  EXPECT_TRUE(IsBelow("https://h/anything", "https://h"));
  EXPECT_FALSE(IsBelow("https://h/ab", "https://h/a"));
  EXPECT_FALSE(IsBelow("https://h/a", "https://h/a/"));
  EXPECT_FALSE(IsBelow("http://h/a", "https://h/a"));
  EXPECT_FALSE(IsBelow("https://h:444/a", "https://h/a"));
  EXPECT_FALSE(IsBelow("https://h.evil/a", "https://h"));
}

}  // namespace
}  // namespace millrace::core
