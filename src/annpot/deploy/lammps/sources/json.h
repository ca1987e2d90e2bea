// Reading of JSON: as much of it as the description of a model needs.
#pragma once

#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace annpot
{

// Something is wrong with a model; the message says where, what and what to do.
struct ModelError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Json
{
 public:
  enum Kind { Null, Boolean, Number, Text, List, Object };

  // The content of a file; ModelError names the file and the line of what is wrong.
  static Json read(const std::string &path);

  Kind kind() const { return kind_; }
  bool is_null() const { return kind_ == Null; }

  // The value as a type; ModelError says which key it stands under.
  double number() const;
  int integer() const;
  const std::string &text() const;
  const std::vector<Json> &list() const;
  std::vector<double> numbers() const;
  std::vector<std::string> texts() const;

  // Value of a key that must be there.
  const Json &operator[](const std::string &key) const;

  // ModelError unless this is an object with exactly these keys.
  void expect_keys(const std::vector<std::string> &keys) const;

  // "model.json: networks[2].offset", for messages.
  std::string where() const;

 private:
  friend class JsonReader;
  void expect(Kind kind) const;

  Kind kind_ = Null;
  double number_ = 0.0;
  std::string text_, where_;
  std::vector<Json> list_;
  std::map<std::string, Json> object_;
};

}    // namespace annpot
