#include "json.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <locale>
#include <sstream>

namespace annpot
{

namespace
{
const char *const KIND_NAMES[] = {"null",   "true or false", "a number",
                                  "a text", "a list",        "an object"};
constexpr int DEEPEST = 64;
}    // namespace

class JsonReader
{
 public:
  JsonReader(const std::string &text, const std::string &file)
      : text_(text), file_(file)
  {
  }

  Json document()
  {
    Json result = value(file_ + ":", 0);
    skip_blanks();
    if (at_ != text_.size()) fail("something after the end of the document");
    return result;
  }

 private:
  [[noreturn]] void fail(const std::string &what) const
  {
    const auto line = 1 + std::count(text_.begin(),
                                     text_.begin() + std::min(at_, text_.size()), '\n');
    throw ModelError(file_ + ":" + std::to_string(line) + ": not valid JSON: " + what +
                     ". Extract the model again.");
  }

  void skip_blanks()
  {
    while (at_ < text_.size() && std::strchr(" \t\r\n", text_[at_])) ++at_;
  }

  char next()
  {
    skip_blanks();
    if (at_ >= text_.size()) fail("the file ends too early");
    return text_[at_];
  }

  bool take(char c)
  {
    if (next() != c) return false;
    ++at_;
    return true;
  }

  void require(char c)
  {
    if (!take(c)) fail(std::string("expected '") + c + "', found '" + text_[at_] + "'");
  }

  Json value(const std::string &where, int depth)
  {
    if (depth > DEEPEST) fail("lists in lists too deep");
    Json result;
    result.where_ = where;
    const char c = next();
    if (c == '{')
      object(result, depth);
    else if (c == '[')
      list(result, depth);
    else if (c == '"') {
      result.kind_ = Json::Text;
      result.text_ = text();
    } else if (word("null"))
      result.kind_ = Json::Null;
    else if (word("true") || word("false"))
      result.kind_ = Json::Boolean;
    else {
      result.kind_ = Json::Number;
      result.number_ = number();
    }
    return result;
  }

  // Unlike strtod, the same in every language of the program around LAMMPS.
  double number()
  {
    const auto end =
        std::min(text_.find_first_not_of("+-.0123456789eE", at_), text_.size());
    std::istringstream digits(text_.substr(at_, end - at_));
    digits.imbue(std::locale::classic());
    double result = 0.0;
    if (!(digits >> result) || digits.peek() != EOF || !std::isfinite(result))
      fail("expected a finite number");
    at_ = end;
    return result;
  }

  bool word(const char *expected)
  {
    const auto n = std::strlen(expected);
    if (text_.compare(at_, n, expected) != 0) return false;
    at_ += n;
    return true;
  }

  void object(Json &result, int depth)
  {
    result.kind_ = Json::Object;
    require('{');
    if (take('}')) return;
    do {
      if (next() != '"') fail("expected a key in quotation marks");
      const std::string key = text();
      require(':');
      const bool is_top = result.where_.back() == ':';
      result.object_[key] =
          value(result.where_ + (is_top ? " " : ".") + key, depth + 1);
    } while (take(','));
    require('}');
  }

  void list(Json &result, int depth)
  {
    result.kind_ = Json::List;
    require('[');
    if (take(']')) return;
    do {
      const std::string index = "[" + std::to_string(result.list_.size()) + "]";
      result.list_.push_back(value(result.where_ + index, depth + 1));
    } while (take(','));
    require(']');
  }

  // Escapes of characters that no name of a file or an element has stay as they are.
  std::string text()
  {
    std::string result;
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size() &&
          std::strchr("\"\\/", text_[at_ + 1]))
        ++at_;
      result += text_[at_];
    }
    if (at_ >= text_.size()) fail("a text without end");
    ++at_;
    return result;
  }

  const std::string &text_;
  const std::string file_;
  std::size_t at_ = 0;
};

Json Json::read(const std::string &path)
{
  std::ifstream stream(path, std::ios::binary);
  if (!stream)
    throw ModelError(path +
                     ": cannot be read. Expected the folder of a model, written by "
                     "app_extract_weights with output_type = ASE or LAMMPS.");
  std::stringstream content;
  content << stream.rdbuf();
  const std::string text = content.str();
  return JsonReader(text, path).document();
}

std::string Json::where() const
{
  return where_.back() == ':' ? where_.substr(0, where_.size() - 1) : where_;
}

void Json::expect(Kind kind) const
{
  if (kind_ != kind)
    throw ModelError(where() + ": expected " + KIND_NAMES[kind] + ", found " +
                     KIND_NAMES[kind_] + ". Extract the model again.");
}

double Json::number() const
{
  expect(Number);
  return number_;
}

int Json::integer() const
{
  if (number() != std::floor(number_) || std::abs(number_) > 2e9)
    throw ModelError(where() + ": expected an integer. Extract the model again.");
  return static_cast<int>(number_);
}

const std::string &Json::text() const
{
  expect(Text);
  return text_;
}

const std::vector<Json> &Json::list() const
{
  expect(List);
  return list_;
}

std::vector<double> Json::numbers() const
{
  std::vector<double> result;
  for (const Json &value : list()) result.push_back(value.number());
  return result;
}

std::vector<std::string> Json::texts() const
{
  std::vector<std::string> result;
  for (const Json &value : list()) result.push_back(value.text());
  return result;
}

const Json &Json::operator[](const std::string &key) const
{
  expect(Object);
  const auto found = object_.find(key);
  if (found == object_.end())
    throw ModelError(where() + ": key \"" + key +
                     "\" is missing. Extract the model again.");
  return found->second;
}

void Json::expect_keys(const std::vector<std::string> &keys) const
{
  expect(Object);
  for (const auto &entry : object_)
    if (std::find(keys.begin(), keys.end(), entry.first) == keys.end())
      throw ModelError(
          where() + ": unknown key \"" + entry.first +
          "\". The model was written by another version: use the plugin of that "
          "version, or extract the model again.");
  for (const std::string &key : keys) (*this)[key];
}

}    // namespace annpot
